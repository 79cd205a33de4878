# SPDX-License-Identifier: Apache-2.0
"""CoAP for devices: readings posted under OSCORE, answered after the commit (docs/decisions/0010-coap-oscore.md)."""
