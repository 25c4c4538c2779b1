import random
from store_kit import *
from signals.model import *
import pytest
@pytest.mark.parametrize("d",[3.86e16,1e300,1e308, 1e-310])
def test_x(store, d):
    put(store,[FeedbackCell("v5",(),None,1,True,Moments(3308011,-4e16,1.2e16,None,None,None,d)),FeedbackCell("v4",(),None,1,True,Moments(3308011,-4e16,1.2e16,None,None,None,d))])
    print(store.evidence(RELEASE,["golden"]).set_aside)
