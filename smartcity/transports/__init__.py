# SPDX-License-Identifier: Apache-2.0
"""Bytes in, bytes out: how devices reach the city. No Django in here, the twin uses it too."""
