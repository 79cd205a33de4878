# SPDX-License-Identifier: Apache-2.0
"""The base map, drawn once per import in a process of its own. Nothing here may import Django, nor Django this."""
