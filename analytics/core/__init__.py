"""Pure posture analysis: samples in, frames and events out. No clock, no I/O, no logging.

One stage a module, in the order of the data: :mod:`orientation` and :mod:`seconds` (a sensor's samples
to one row a second), :mod:`joining` (sensors to one table of seconds), :mod:`calibration`,
:mod:`angles`, :mod:`activities`, :mod:`postures`, :mod:`patterns`, :mod:`episodes`, :mod:`nudges`,
:mod:`rollups`; :mod:`pipeline` puts them in a row.
"""
