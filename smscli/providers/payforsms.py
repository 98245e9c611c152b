"""payforsms.ru: the platform of MainSMS under another name.

Signature, parameters, answers and quirks are those of ``smscli.providers.mainsms``.
"""

from __future__ import annotations

from smscli.providers import mainsms

PROVIDER = mainsms.PROVIDER._replace(name="payforsms", title="payforsms", base_url="https://payforsms.ru/api/mainsms/")
