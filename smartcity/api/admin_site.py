# SPDX-License-Identifier: Apache-2.0
"""Django's administration, for superusers only, whatever Django's own permissions say."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest


class CitySite(AdminSite):
    site_header = site_title = "Smart City"
    index_title = "Administration"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)


class CityAdminConfig(AdminConfig):
    default_site = "smartcity.api.admin_site.CitySite"
