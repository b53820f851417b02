"""The embedded model: ``Agent("local:smollm2")``, llama.cpp on loopback, no key and no server of the user's own.

``weights`` finds the model file, ``server`` starts llama.cpp for it once, in a process of its own whose program is
``host``, and ``transport`` sends there what was asked of a stable URL. Nothing here is imported, and nothing is
started, before the first live request: a replay needs neither the wheel nor the weights.
"""
