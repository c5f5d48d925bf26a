"""What the parts of Plumbline say to one another: values, bytes, topics, folders, errors.

Nothing in this package performs I/O except :mod:`contracts.recording`, whose subject is a folder.
"""
