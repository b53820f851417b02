"""Taking what nobody should have off tapes that are there already, and finding it.

A recording keeps known keys off the tape (:mod:`playhead.tapes.redact`); what nobody knew of then stands on it: a key
that a user pasted into a prompt, a customer's address in a tool's result. Here it is found by what it looks like, and
replaced, the same value by the same words wherever it stands.

| module | holds |
|---|---|
| kinds | what secrets and personal data look like in a text |
| texts | the texts in a body: JSON's strings, a stream's deltas joined, anything else as it is |
| scrubber | tapes gone through: what was found where, and the tape without it |
"""
