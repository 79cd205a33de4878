# SPDX-License-Identifier: Apache-2.0
"""A city's own broker, heard and spoken to: what it delivers is acknowledged to it after our commit."""
