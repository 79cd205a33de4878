# SPDX-License-Identifier: Apache-2.0
"""The parts a city is assembled from, all in one process or each in its own (docs/explanation/processes.md)."""
