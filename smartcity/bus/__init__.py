# SPDX-License-Identifier: Apache-2.0
"""What processes of one city say to each other: words of control over PostgreSQL, live values over Redis."""
