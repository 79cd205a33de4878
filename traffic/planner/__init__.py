# SPDX-License-Identifier: Apache-2.0
"""The stage planner: pure, numpy only, fit for a cabinet as well as for the centre."""
