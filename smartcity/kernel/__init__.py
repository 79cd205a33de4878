# SPDX-License-Identifier: Apache-2.0
"""The vocabulary every part of the city shares, in plain Python: it imports nothing of ours and no framework."""
