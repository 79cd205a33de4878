# SPDX-License-Identifier: Apache-2.0
"""Performance measures of traffic signals out of the high-resolution event log. Pure: arrays in, arrays out.

Codes are those of the *Indiana Traffic Signal Hi Resolution Data Logger Enumerations* (Sturdevant et al., Purdue 2012;
events 0 to 200, kept by later editions). Every measure sorts the log it is handed: O(n log n) in its events.
"""
