"""Invented names, streets, firms, dates and numbers to fill the tagger's sentences with. Training only.

People, cities and streets come from the Faker library (MIT), for many countries, so that the tagger learns what names
look like anywhere; how addresses, dates and firms are put together is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.core.errors import MissingExtra

_LISTED = """en_US en_GB en_AU en_IN en_IE de_DE de_AT fr_FR es_ES es_MX it_IT nl_NL nl_BE sv_SE no_NO da_DK fi_FI pl_PL cs_CZ
sk_SK hu_HU sl_SI hr_HR pt_PT pt_BR tr_TR ro_RO et_EE lt_LT lv_LV id_ID az_AZ yo_NG ha_NG ig_NG zu_ZA vi_VN el_GR
en_US en_GB de_DE fr_FR"""
LOCALES = _LISTED.split()
POOL = 250  # inventions kept for each country and kind

_COUNTRIES = """Afghanistan|Albania|Algeria|Andorra|Angola|Argentina|Armenia|Australia|Austria|Azerbaijan|Bahamas|Bahrain|
Bangladesh|Barbados|Belarus|Belgium|Belize|Benin|Bhutan|Bolivia|Bosnia and Herzegovina|Botswana|Brazil|Brunei|Bulgaria|
Burkina Faso|Burundi|Cambodia|Cameroon|Canada|Cape Verde|Chad|Chile|China|Colombia|Comoros|Congo|Costa Rica|Croatia|Cuba|
Cyprus|Czech Republic|Denmark|Djibouti|Dominica|Dominican Republic|Ecuador|Egypt|El Salvador|Eritrea|Estonia|Ethiopia|Fiji|
Finland|France|Gabon|Gambia|Georgia|Germany|Ghana|Greece|Greenland|Grenada|Guatemala|Guinea|Guyana|Haiti|Honduras|Hungary|
Iceland|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Ivory Coast|Jamaica|Japan|Jordan|Kazakhstan|Kenya|Kuwait|Kyrgyzstan|
Laos|Latvia|Lebanon|Lesotho|Liberia|Libya|Liechtenstein|Lithuania|Luxembourg|Madagascar|Malawi|Malaysia|Maldives|Mali|Malta|
Mauritania|Mauritius|Mexico|Moldova|Monaco|Mongolia|Montenegro|Morocco|Mozambique|Myanmar|Namibia|Nepal|Netherlands|
New Zealand|Nicaragua|Niger|Nigeria|North Korea|Norway|Oman|Pakistan|Panama|Paraguay|Peru|Philippines|Poland|Portugal|Qatar|
Romania|Russia|Rwanda|San Marino|Saudi Arabia|Senegal|Serbia|Seychelles|Sierra Leone|Singapore|Slovakia|Slovenia|Somalia|
South Africa|South Korea|Spain|Sri Lanka|Sudan|Suriname|Sweden|Switzerland|Syria|Taiwan|Tanzania|Thailand|Togo|Tonga|
Trinidad and Tobago|Tunisia|Turkey|Uganda|Ukraine|United Arab Emirates|United Kingdom|United States|USA|UK|Uruguay|
Uzbekistan|Venezuela|Vietnam|Yemen|Zambia|Zimbabwe|England|Scotland|Wales|Tunisia|Greenland|Great Britain"""
_PEOPLES = """Afghan Albanian Algerian American Andorran Angolan Argentine Armenian Australian Austrian Bahamian Bahraini
Bangladeshi Barbadian Belarusian Belgian Bolivian Bosnian Brazilian British Bulgarian Burmese Cambodian Cameroonian Canadian
Chadian Chilean Chinese Colombian Congolese Croatian Cuban Cypriot Czech Danish Dominican Dutch Ecuadorian Egyptian English
Eritrean Estonian Ethiopian Fijian Filipino Finnish French Gambian Georgian German Ghanaian Greek Greenlandic Guatemalan
Guinean Guyanese Haitian Honduran Hungarian Icelandic Indian Indonesian Iranian Iraqi Irish Israeli Italian Jamaican Japanese
Jordanian Kazakh Kenyan Korean Kuwaiti Laotian Latvian Lebanese Liberian Libyan Lithuanian Malagasy Malawian Malaysian
Maltese Mexican Moldovan Mongolian Montenegrin Moroccan Mozambican Namibian Nepalese Nicaraguan Nigerian Norwegian Omani
Pakistani Palestinian Panamanian Paraguayan Peruvian Polish Portuguese Qatari Romanian Russian Rwandan Salvadoran Saudi
Scottish Senegalese Serbian Singaporean Slovak Slovenian Somali Spanish Sudanese Swedish Swiss Syrian Taiwanese Tanzanian
Thai Togolese Tunisian Turkish Ugandan Ukrainian Uruguayan Uzbek Venezuelan Vietnamese Welsh Yemeni Zambian Zimbabwean
Jewish Christian Muslim Catholic Buddhist Hindu Democrat Republican Protestant European African Asian"""
_IRREGULAR = """Swedes Danes Finns Poles Turks Brits Spaniards Scots Frenchmen Englishmen Dutchmen Welshmen Czechs Slovaks
Croats Serbs Slovenes Afghans Kurds Greeks Thais Sunnis Israelis Iraqis Pakistanis Argentines swedes danes poles turks iraqis"""
_PLAIN_WORDS = """Orange Target Shell Apple Gap Oracle Amazon Stripe Square Slack Box Domino Galaxy Harbor Anchor Beacon
Compass Copper Crystal Delta Diamond Eagle Falcon Forest Fountain Garden Giant Harvest Horizon Iron Island Jet Lantern Lighthouse
Maple Meadow Mercury Mirror Monument Mountain Oak Ocean Palace Pearl Pilot Planet Prairie River Rocket Saturn Shield Star Stone
Sunrise Tiger Tower Valley Victory Wagon Willow Window Winter Wolf Explorer Express Direct Public Daily Bridge Street"""
_ONE_NAME = """zeta flux micro data cloud health credit tech mind bright snap green open smart fin edu geo bio solar auto quick
trans core net info pay wave link path loop grid lab nova peak opti vera lumi agri medi quant aqua"""
_TWO_NAME = """ify ly works base wise soft ware metrics gen sense point scape path bit zon ex um ant io logic mark dash desk
hub spot verse line tron dyne ium eon ora"""
_FIRM_WORDS = """General National First United Global American Atlantic Pacific Northern Southern Western Central Royal Capital
Premier Allied Standard Liberty Summit Pioneer Blue Red Silver Golden Clear Bright Open Smart Green Clean Rapid"""
_TRADES = """Bank Insurance Financial Energy Motors Foods Systems Software Analytics Health Airlines Media Pictures Records
Logistics Markets Partners Labs Networks Solutions Technologies Power Finance Research Legal Data Consulting Holdings Mutual
Investments Services Capital Semiconductors Pharma Steel Stores Group"""
_ENDINGS = (
    "Inc",
    "Inc.",
    "Ltd",
    "Ltd.",
    "LLC",
    "PLC",
    "Corp",
    "Corporation",
    "Group",
    "GmbH",
    "& Co",
    "and Sons",
    "S.A.",
)
_STATES = """AL AK AZ CA CO FL GA IL IN KS LA ME MD NSW VIC QLD ON QC BC TX UT WA NY NJ MO TN MP SK SV KY OH OR PA"""
_MONTHS = "January February March April May June July August September October November December"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_TITLES = (
    "Mr.",
    "Mrs.",
    "Ms.",
    "Dr.",
    "Mr",
    "Mrs",
    "Ms",
    "Dr",
    "Prof.",
    "Professor",
    "Miss",
    "Sir",
    "mr.",
    "ms.",
    "mrs.",
)
_FLATS = ("Apt.", "Apt.", "Apt.", "Suite", "Suite", "Suite", "Flat", "Unit", "Apartment", "Floor", "Room")


@dataclass(frozen=True)
class Piece:
    """A piece of a template: text, or the name of a field."""

    text: str
    field: bool


Part = tuple[int, int, str]  # start, end in the piece, label


class Inventions:
    """Draws a value for each field. Needs the Faker library."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        try:
            from faker import Faker
        except ImportError:
            raise MissingExtra("faker", "test", "Training the tagger of names") from None
        self.pools: list[dict[str, list[str]]] = []
        makers = ("first_name", "last_name", "name", "city", "street_name", "job")
        for number, locale in enumerate(LOCALES):
            faker = Faker(locale)
            faker.seed_instance(int(random.integers(2**31)) + number)
            pool = {maker: [str(getattr(faker, maker)()) for _ in range(POOL)] for maker in makers}
            self.pools.append(pool)
        faker = Faker("en_US")
        faker.seed_instance(int(random.integers(2**31)))
        self.jobs = [faker.job().split(",")[0] for _ in range(400)]
        self.countries = [country.strip() for country in _COUNTRIES.replace("\n", "").split("|")]
        self.peoples = _PEOPLES.split()

    def fill(self, piece: Piece) -> tuple[str, list[Part]]:
        """The text of a piece and the labelled parts in it."""
        if not piece.field:
            return piece.text, []
        maker: Callable[[], Any] = getattr(self, f"_{piece.text}")
        made = maker()
        return made if isinstance(made, tuple) else (made, [(0, len(made), _LABEL_OF[piece.text])])

    def _one(self, listed: Any) -> str:
        return str(listed[int(self.random.integers(len(listed)))])

    def _from(self, maker: str) -> str:
        return self._one(self.pools[int(self.random.integers(len(self.pools)))][maker])

    def _chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def _digits(self, count: int) -> str:
        return "".join(str(digit) for digit in self.random.integers(0, 10, count))

    def _number(self, low: int, high: int) -> str:
        return str(int(self.random.integers(low, high)))

    def _first(self) -> str:
        return self._from("first_name")

    def _last(self) -> str:
        return self._from("last_name")

    def _name(self) -> str:
        pool = self.pools[int(self.random.integers(len(self.pools)))]
        name = f"{self._one(pool['first_name'])} {self._one(pool['last_name'])}"
        if self._chance(0.15):
            return self._initials()
        return self._one(pool["first_name"]) if self._chance(0.1) else name

    def _initials(self) -> str:
        dot = "." if self._chance(0.6) else ""
        return f"{self._first()} {self._one('ABCDEFGHIJKLMNOPRSTVWZ')}{dot} {self._last()}"

    def _suffixed(self) -> str:
        return f"{self._first()} {self._last()} {self._one(('I', 'II', 'III', 'IV', 'Jr.', 'Sr.', 'V'))}"

    def _title(self) -> str:
        return self._one(_TITLES)

    def _job(self) -> str:
        job = self._one(self.jobs)
        return job if self._chance(0.3) else job.capitalize() if self._chance(0.4) else job.lower()

    def _city(self) -> str:
        city = self._from("city")
        return city.upper() if self._chance(0.25) else city

    def _country(self) -> str:
        return self._one(self.countries)

    def _state(self) -> str:
        return self._one(_STATES.split())

    def _nat(self) -> str:
        people = self._one(self.peoples)
        return people.lower() if self._chance(0.15) else people

    def _nats(self) -> str:
        if self._chance(0.2):
            return self._one(_IRREGULAR.split())
        people = self._nat()
        return people if people.endswith(("sh", "ch", "ese", "ss")) else f"{people}s"

    def _street_part(self) -> str:
        street = self._from("street_name")
        house = self._number(1, 300)
        form = self.random.random()
        if form < 0.35:
            return f"{house} {street}"
        if form < 0.7:
            return f"{street} {house}{'.' if self._chance(0.1) else ''}"
        if form < 0.9:
            return f"{self._digits(int(self.random.integers(3, 6)))} {street} {house}"
        return f"{self._digits(5)} {house} {street}"

    def _flat_part(self) -> str:
        return f"{self._one(_FLATS)} {self._number(1, 10) if self._chance(0.3) else self._digits(3)}"

    def _street(self) -> str:
        return self._street_part()

    def _flat(self) -> str:
        return self._flat_part()

    def _house(self) -> str:
        return self._digits(int(self.random.integers(2, 6)))

    def _street_name(self) -> str:
        return self._street_part() if self._chance(0.5) else self._from("street_name")

    def _address_zip(self) -> str:
        return self._digits(5)

    def _street_flat(self) -> str:
        return f"{self._street_part()}{self._one((' ', ', '))}{self._flat_part()}"

    def _end(self) -> str:
        form = self.random.random()
        city = self._city()
        if form < 0.4:
            return f"{city} {self._country()}"
        if form < 0.6:
            return f"{city}, {self._country()}"
        if form < 0.8:
            return f"{city} {self._state()}"
        return f"{city} {self._digits(5)}" if form < 0.9 else city

    def _address(self) -> str:
        form = self.random.random()
        if form < 0.55:
            return f"{self._street_part()} {self._flat_part()} {self._end()}"
        if form < 0.8:
            return f"{self._street_part()}{self._one((' ', ', '))}{self._end()}"
        return f"{self._street_part()} {self._flat_part()}, {self._end()}"

    def _address_lines(self) -> str:
        form = self.random.random()
        if form < 0.12:
            return self._military()
        if form < 0.3:
            return self._address()
        gap = "\n" if self._chance(0.4) else "\n "
        street = self._street_part()
        if form < 0.5:
            flat = f" {self._flat_part()}" if self._chance(0.5) else ""
            region = self._one((*_STATES.split(), "nan", self._digits(2)))
            country = f" {self._country()} {self._digits(5)}" if self._chance(0.6) else f" {self._digits(5)}"
            return f"{street}{flat}\n{self._city()}\n, {region}\n{country}"
        if form < 0.8:
            return f"{street}{gap}{self._flat_part()}{gap}{self._city()}{gap}{self._country()} {self._digits(5)}"
        if form < 0.9:
            return f"{street} {self._flat_part()}\n{self._city()}, {self._state()} {self._digits(5)}"
        return f"{street}{gap}{self._digits(5)} {self._city()}{gap}{self._country()}"

    def _military(self) -> str:
        post = self._one(("APO", "DPO", "FPO"))
        end = f"{post} {self._one(('AA', 'AE', 'AP'))} {self._digits(5)}"
        if self._chance(0.5):
            return f"PSC {self._digits(4)}, Box {self._digits(4)}\n{end}"
        return f"Unit {self._digits(4)} Box {self._digits(4)}\n{end}"

    def _corner(self) -> str:
        first = self._first() if self._chance(0.4) else self._street_part()
        return f"{'the corner of ' if self._chance(0.4) else ''}{first} and {self._street_part()}"

    def _org(self) -> str:
        form = self.random.random()
        if form < 0.3:
            return self._one(_ONE_NAME.split()).capitalize() + self._one(_TWO_NAME.split())
        if form < 0.55:
            return f"{self._one(_FIRM_WORDS.split())} {self._one(_TRADES.split())}"
        if form < 0.65:
            return f"{self._last()}, {self._last()} and {self._last()}"
        if form < 0.75:
            return f"{self._last()}-{self._last()}"
        if form < 0.83:
            count = int(self.random.integers(1, 4))
            words = [self._one(_PLAIN_WORDS.split()) for _ in range(count)]
            return " ".join([self._number(2, 60), *words] if self._chance(0.08) else words)
        if form < 0.93:
            first = self._last() if self._chance(0.5) else self._one(_ONE_NAME.split()).capitalize()
            return f"{first} {self._one(_ENDINGS)}"
        return f"{self._one(_FIRM_WORDS.split())} {self._one(_TRADES.split())} {self._one(_ENDINGS)}"

    def _age(self) -> str:
        return self._number(1, 99)

    def _year(self) -> str:
        return self._number(1890, 2025)

    def _day(self) -> str:
        return self._one(_DAYS.split()) if self._chance(0.7) else f"{self._one(_MONTHS.split())} {self._number(1, 29)}"

    def _date(self) -> str:
        day, month, year = self._number(1, 29), self._number(1, 13), self._year()
        word = self._one(_MONTHS.split())
        figures = (f"{month}/{day}/{year}", f"{day}.{month}.{year}", f"{year}-{int(month):02d}-{int(day):02d}")
        return self._one((*figures, f"{day} {word} {year}", f"{word} {day}, {year}", f"{word} {year}"))

    def _pattern(self, pattern: str) -> str:
        """ "D" becomes a digit and "L" a letter; the rest stays."""
        drawn = {"D": "0123456789", "L": "ABCEGHJKLMNPRSTVWXY"}
        return "".join(self._one(drawn[mark]) if mark in drawn else mark for mark in pattern)

    def _zip(self) -> str:
        forms = (
            "DDDDD DDDDD DDDDD DDDD DDDD DDD DDDDDD DDDDD-DDDD DD-DDD DDDDD-DDD DDD_DD DDDD-DDD DDDD_LL LDL_DLD LLD_DLL"
        )
        return self._pattern(self._one(forms.split())).replace("_", " ")

    def _licence(self) -> str:
        letter = "L" if self._chance(0.5) else ""
        forms = ("D" * int(self._number(6, 13)), "DDDD-DD-DDDD", "DDD-DDD-DDD", "DD-DD-DDDD")
        return self._pattern(letter + self._one(forms))

    def __getattr__(self, name: str) -> Callable[[], str]:
        # Fields with a form of their own: the tagger sees only their kind.
        if name.lstrip("_") in _FORMED:
            return lambda: "0"
        raise AttributeError(name)


_FORMED = {"phone", "card", "email", "iban", "ssn", "url", "ip"}
_ADDRESSES = "street flat street_flat address address_lines military corner house street_name"
_LABEL_OF = {
    **dict.fromkeys(("name", "first", "last", "initials", "suffixed"), "person"),
    **dict.fromkeys(_ADDRESSES.split(), "address"),
    **dict.fromkeys(("city", "country", "state"), "place"),
    "address_zip": "address",
    "title": "title",
    "job": "title",
    "org": "organization",
    "nat": "nationality",
    "nats": "nationality",
    "age": "age",
    "year": "date",
    "date": "date",
    "day": "date",
    "zip": "postcode",
    "licence": "licence",
    **{name: name for name in _FORMED},
}
