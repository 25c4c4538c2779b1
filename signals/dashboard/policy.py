def page(root):
    pass
