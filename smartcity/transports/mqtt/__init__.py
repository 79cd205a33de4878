# SPDX-License-Identifier: Apache-2.0
"""The device gateway: an MQTT 5 and 3.1.1 server for devices, and the device's end of it."""
