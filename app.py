"""The dashboard's front door: `streamlit run app.py`, or `signals serve`."""

from pathlib import Path

from signals.dashboard import main

main(Path(__file__).resolve().parent)
