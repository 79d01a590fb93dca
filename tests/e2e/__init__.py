"""The whole app as its users meet it: hosts as processes, storage behind HTTP."""
