"""Notes as officers write them, and the same with personal data planted in them, in many disguises.

The measure of the personal-data screen: every ordinary note that it stops is a false alarm, every
planted one that it lets through is a miss. ``python -m tests.kit.notes`` prints both.
"""

# ruff: noqa: E501 - tables of what officers write read better in rows

import random
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

Draw = random.Random
Slot = Callable[[Draw], str]

_PLACES: Final = (
    "Entikong", "Badau", "Aruk", "Jagoi Babang", "Paloh", "Sekayam", "Noyan", "Balai Karangan", "Tebedu",
    "Lubok Antu", "Biawak", "Serikin", "Kuching", "Singkawang", "Sambas", "Temajuk", "Nanga Badau", "Segumon",
    "Sanggau", "Putussibau", "Supadio", "Pontianak", "Sri Aman", "Serian", "Bau", "Lundu", "Sematan",
)  # fmt: skip


def _pick(*words: str) -> Slot:
    return lambda draw: draw.choice(words)


def _clock(draw: Draw) -> str:
    hour, minute = draw.randrange(24), draw.randrange(60)
    return draw.choice(
        (
            f"{hour:02}.{minute:02}", f"{hour}.{minute:02}", f"{hour:02}:{minute:02}", f"{hour:02}{minute:02}H",
            f"{hour:02}:{minute:02}:{draw.randrange(60):02}", f"{hour:02}.{minute:02}.{draw.randrange(60):02}",
            f"{hour:02}{minute:02} WIB", f"{hour % 12 + 1}:{minute:02} pm",
        )
    )  # fmt: skip


def _span(draw: Draw) -> str:
    dash = draw.choice(("-", " - ", "\u2013", " s.d. ", " sampai ", " hingga ", " to "))
    return f"{_clock(draw)}{dash}{_clock(draw)}"


def _day(draw: Draw) -> str:
    year, month, day = draw.randint(2024, 2027), draw.randint(1, 12), draw.randint(1, 28)
    names = ("Januari", "Feb", "Mac", "April", "Mei", "June", "Julai", "Agustus", "Sept", "Okt", "Nov", "Dis")
    return draw.choice(
        (
            f"{day:02}-{month:02}-{year}", f"{day}/{month}/{year}", f"{day}/{month}", f"{year}-{month:02}-{day:02}",
            f"{day:02}/{month:02}/{year % 100:02}", f"{day:02}.{month:02}.{year}", f"{day} {names[month - 1]} {year}",
            f"{year}{month:02}{day:02}", f"{day:02}-{day % 28 + 1:02} {names[month - 1]}",
            f"{day:02}-{month:02}-{year} s.d. {day % 28 + 1:02}-{month:02}-{year}",
            f"{year}-{month:02}-{day:02}T{day:02}:{month:02}:00+07:00", f"{year}{month:02}{day:02} {_clock(draw)}",
        )
    )  # fmt: skip


def _spot(draw: Draw) -> str:
    lat, lon = draw.uniform(-3, 2.2), draw.uniform(108, 114.2)
    minutes = (draw.randrange(60), draw.randrange(60), draw.randrange(60), draw.randrange(60))
    return draw.choice(
        (
            f"{lat:.5f}, {lon:.5f}", f"{lat:.5f} {lon:.5f}", f"{lat:.4f},{lon:.4f}", f"{lat:.6f} {lon:.6f}",
            f"lat {lat:.5f} lon {lon:.5f}", f"N{abs(lat):.5f} E{lon:.5f}", f"{abs(lat):.5f} LU {lon:.5f} BT",
            f"{int(abs(lat))}\u00b0{minutes[0]:02}'{minutes[1]:02}\"N {int(lon)}\u00b0{minutes[2]:02}'{minutes[3]:02}\"E",
            f"{int(abs(lat)):02}-{minutes[0]:02}-{minutes[1]:02} N {int(lon)}-{minutes[2]:02}-{minutes[3]:02} E",
            f"{int(abs(lat))} {minutes[0]:02}.{draw.randrange(1000):03} N {int(lon)} {minutes[2]:02}.{draw.randrange(1000):03} E",
            f"49N {draw.randint(200000, 800000)} {draw.randint(9900000, 9999999)}",
            f"UTM 49 N {draw.randint(200000, 800000)} {draw.randint(10000, 240000)}",
        )
    )  # fmt: skip


def _money(draw: Draw) -> str:
    thousands, more = (
        draw.randint(1, 999),
        draw.choice((".000", ".500", ".000.000", ".500.000", ".000.000.000")),
    )
    return draw.choice(
        (
            f"Rp {thousands}{more}", f"Rp{thousands}{more}", f"Rp. {thousands}{more},-", f"{thousands}{more} rupiah",
            f"RM {thousands}{more.replace('.', ',')}", f"RM{thousands}.00", f"RM {draw.randint(100, 999_999)}",
            f"IDR {thousands}{more.replace('.', ',')}", f"{draw.randint(1, 90)} juta", f"{draw.randint(1, 90)},5 jt",
            f"Rp {thousands}000000", f"{thousands}{more}",
        )
    )  # fmt: skip


def _counts(draw: Draw) -> str:
    return draw.choice(
        (
            f"{draw.randint(1, 60)} orang",
            f"{draw.randint(1, 9)} dewasa {draw.randint(1, 9)} anak",
            f"{draw.randint(10, 60)}orang",
            f"usia {draw.randint(5, 17)}-{draw.randint(18, 60)} th",
            f"{draw.randint(1, 20)} perempuan, {draw.randint(1, 20)} laki-laki",
            f"{draw.randint(1, 12)} women and {draw.randint(1, 12)} children",
            f"jumlah {' '.join(str(draw.randint(3, 60)) for _ in range(draw.randint(3, 8)))}",
            f"harian {', '.join(str(draw.randint(3, 160)) for _ in range(draw.randint(3, 9)))}",
        )
    )


def _vehicles(draw: Draw) -> str:
    return draw.choice(
        (
            f"{draw.randint(1, 9)} motor", f"{draw.randint(1, 4)} minibus putih", "L300 hitam", "L 300 BOX", "F-150",
            "Hilux 4x4", "kapal 15 GT", "KM Sinar 7", "Toyota 86", "Avanza G 1.3", "perahu 40 PK", "2 pickup L200",
            f"speedboat {draw.choice((40, 75, 115, 200))} PK x{draw.randint(1, 4)}", "Innova 2.4 V", "bus 45 kursi",
            "truk 6x4 10 roda", "lori 3 tan", "van 12 seats", "Honda CRF 150", "RX 100", "Vario 125",
        )
    )  # fmt: skip


def _where(draw: Draw) -> str:
    number = draw.randint(1, 300)
    return draw.choice(
        (
            f"KM {number}", f"km {number}.{draw.randrange(1000):03}", f"RT {number % 20:03} RW {number % 9:03}",
            f"patok D{number}", f"patok G {number}", f"pilar B.{number:04}", f"pos {number % 12}", f"gate {number % 9}",
            f"Jl. {draw.choice(_PLACES)} No. {number}", f"blok B {number % 40}", f"blok C{number % 40}/{number % 7}",
            f"jalur {number % 30}", f"titik {number}", f"JL {number}", f"NO {number}", f"kamar {number + 100}",
            f"lorong {number % 20}", f"simpang {number % 5}", f"kecamatan 61.03.{number % 30:02}", f"{number} m dari pos",
            f"koridor {number % 9}A", f"pintu A {number % 20} dan pintu B {number % 20}", f"bearing {number:03}",
            f"{number * 10} meter", f"arah {number % 360} derajat {number % 90} km/jam", f"ch {number % 16 + 1}",
            f"di {draw.choice(_PLACES)} {number}", f"elevasi {number} mdpl", f"grid {number:04} {number * 7 % 10000:04}",
        )
    )  # fmt: skip


def _reference(draw: Draw) -> str:
    token = "".join(draw.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
    number = "".join(draw.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=draw.randint(4, 10)))
    digits = "".join(draw.choices("0123456789", k=draw.randint(4, 10)))
    raw = uuid.UUID(int=draw.getrandbits(128), version=4)
    return draw.choice(
        (
            f"{draw.choice(('veh', 'doc', 'rec', 'saf', 'cas'))}_{token}",
            f"PRS-202603{draw.randint(10, 28)}-{number}",
            f"PRS-202603{draw.randint(10, 28)}-{digits}",
            f"NTF-{token}",
            str(raw),
            f"lihat laporan {draw.randint(1, 999)}/2026",
            f"LP/{draw.randint(1, 400)}/III/2026",
            f"{raw.hex}",
        )
    )


_PHRASES: Final = (
    "dokumen dipegang satu orang", "jawaban seragam tentang tempat kerja", "menolak bicara", "naik dari semak",
    "mengaku akan bekerja di ladang sawit", "dijemput mobil putih", "tidak membawa tas", "terlihat lelah",
    "anak menangis", "sopir lari", "group refuses to talk", "driver fled on foot", "papers held by one man",
    "kumpulan enggan bercakap", "menunggu jemputan", "menyeberang lewat sungai", "lampu mati", "hujan deras",
    "three passengers said the same sentence", "dijanjikan gaji besar", "kedua kali minggu ini", "kapal tanpa lampu",
    "DIARAHKAN KE POS", "SEDANG DIPERIKSA PETUGAS", "tolong kirim petugas perempuan", "butuh penerjemah",
    "the same van was seen twice", "orang yang sama", "membawa 2 koper", "P4MI dan BP3MI diberi tahu", "di @pos depan",
    "SMPN 3", "1 dari 4 orang sakit", "sinyal 3G hilang", "HT ch 5", "50% anak", "no 1 sd 5", "k.l. 3 jam",
)  # fmt: skip

_SLOTS: Final[tuple[Slot, ...]] = (
    lambda draw: f"{draw.choice(('jam', 'pukul', 'pkl', 'at', 'sekitar jam', 'JAM'))} {_clock(draw)}",
    lambda draw: f"{draw.choice(('jam', 'antara', 'between'))} {_span(draw)}",
    lambda draw: f"{draw.choice(('tgl', 'tanggal', 'on', 'sejak', 'pada'))} {_day(draw)}",
    lambda draw: f"{draw.choice(('titik', 'posisi', 'at', 'koordinat', 'GPS'))} {_spot(draw)}",
    lambda draw: f"{draw.choice(('bayar', 'paid', 'biaya', 'uang', 'upah', 'tiket'))} {_money(draw)}",
    lambda draw: f"{draw.choice(('di', 'dekat', 'near', 'ke', 'dari', 'lewat'))} {draw.choice(_PLACES)}",
    _counts,
    _vehicles,
    _where,
    _reference,
    _pick(*_PHRASES),
    _pick(*_PHRASES),
)

HAND_WRITTEN: Final = (
    "Rombongan 12 orang, 2 minibus, 15 km dari pos, 3 kali minggu ini",
    "Jam 08.12-09.30, 10.15-11.20 dan 13.00-13.45 lewat jalur 4",
    "08.12 tiba, 08.15 turun, 08.20 dijemput, 08.31 jalan, 08.47 hilang",
    "Tiga gelombang: 10-03-2026 08.12, 11-03-2026 08.40, 12-03-2026 07.55",
    "Gaji dijanjikan RM 1,800 sebulan, potongan 3 bulan = RM 5,400",
    "Utang Rp 12.500.000,- dicicil 24 x Rp 520.000",
    "Setoran 150.000.000 dan 62.500.000 dalam 2 minggu",
    "Umur 13, 14, 15, 15, 16, 17; dua ibu 24 dan 31",
    "penumpang per hari 12 15 20 18 22 31 14 16 19",
    "Kapal 15 GT mesin 2x40 PK, 3 jam dari Temajuk, 12 mil dari garis pantai",
    "0\u00b058'30\"N 110\u00b020'55\"E arah 270 kecepatan 12 km/jam",
    "E 110.348 N 0.9835, patok D127 ke D131",
    "Batas G 0123 sampai G 0131, tanda kaki 5 orang",
    "RT 003 RW 001 Dusun Segumon, rumah no 17",
    "Kamar 201, 202, 203 dan 305 dipesan satu orang, 3 malam",
    "Bus 45 kursi hanya 12 penumpang, tiket no. 1 sd 12",
    "Lihat PRS-20260310-0001 dan PRS-20260310-0002, orang yang sama",
    "Kendaraan veh_JKQAE7GQFMNKLR5S terlihat lagi 3 jam kemudian",
    "Dijanjikan kerja di ladang; pekerja lama dipotong gaji 6 bulan",
    "Two women, one minor; papers held by the driver, paid RM 2,500 each at 0930H",
    "Group of 8 crossed at 2130, 2145 and 2210, three nights in a row",
    "Lori 3 tan, 10 roda, masuk 0615 keluar 0640, enam orang di belakang",
    "Empat lelaki dua perempuan di Jalan Tebedu batu 5, menunggu sejak jam 7 pagi",
    "L300 hitam, L 300 BOX putih dan 2 Hilux 4x4 tanpa pelat",
    "DI PINTU A 12 DAN B 14 ADA 20 ORANG",
    "KELOMPOK A 15 ORG, KELOMPOK B 17 ORG",
    "Stok makanan 3 hari, air 20 L, solar 200 L",
    "Suhu 38.5, tekanan 120/80, nadi 96, minta ambulans",
    "Anak 9 th demam 39,2; ibu hamil 7 bulan",
    "Batch 2026-03, laporan 014/III/2026, halaman 1-3 dari 12",
    "Telepon pos putus 2 hari, HT ch 5 dipakai",
    "Tidak ada nomor telepon, nama, atau paspor yang dicatat",
    "20260310 081230 kamera 4 mati",
    "UTM 49N 345678 109876 galat 15 m",
    "grid 4567 1234, 3 jejak motor, 2 jejak kaki",
    "Uang muka 5 juta, sisa 10 jt, total 15.000.000",
    "50% anak, 50%nya sakit",
    "Harga 1.500 per kg x 2.000 kg = 3.000.000",
    "Satu dua tiga orang turun, empat lima tetap di bus",
    "Mesin 150cc, 2 helm, 1 dus mi, 10kg beras",
)


def ordinary(seed: int, count: int) -> Iterator[str]:
    """Yield so many notes without personal data, from one up to a full 280 characters."""
    draw = Draw(seed)
    for _ in range(count):
        parts = [draw.choice(_SLOTS)(draw) for _ in range(draw.randint(1, 12))]
        yield draw.choice((", ", " ", "; ", ". ", " / ")).join(parts)[:280]


# --- personal data -------------------------------------------------------------------------------


def national_id(draw: Draw) -> str:
    """Return sixteen digits as on an Indonesian identity or family card: region, date, serial."""
    region = f"{draw.choice((61, 61, 64, 32, 35, 53, 73))}{draw.randint(1, 12):02}{draw.randint(1, 20):02}"
    day = draw.randint(1, 28) + draw.choice((0, 40))
    return f"{region}{day:02}{draw.randint(1, 12):02}{draw.randrange(100):02}{draw.randint(1, 999):04}"


def _mykad(draw: Draw) -> str:
    born = f"{draw.randint(50, 99)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}"
    return f"{born}-{draw.choice((13, 12, 1, 10, 14)):02}-{draw.randrange(10000):04}"


def _mobile(draw: Draw) -> str:
    return f"08{draw.choice((11, 12, 13, 21, 22, 52, 53, 57, 95, 96))}{draw.randrange(10**7, 10**8)}"


def _abroad(draw: Draw) -> str:
    return draw.choice(
        (
            f"+62{_mobile(draw)[1:]}", f"62{_mobile(draw)[1:]}", f"+6{_malaysian(draw)}", f"6{_malaysian(draw)}",
            f"0062{_mobile(draw)[1:]}", f"+65 9{draw.randrange(10**6, 10**7)}",
        )
    )  # fmt: skip


def _malaysian(draw: Draw) -> str:
    return f"01{draw.choice((0, 2, 3, 4, 6, 7, 8, 9))}{draw.randrange(10**6, 10**7)}"


def _landline(draw: Draw) -> str:
    return draw.choice(
        (
            f"(0561) {draw.randrange(200000, 799999)}",
            f"0561-{draw.randrange(200000, 799999)}",
            f"082-{draw.randrange(200000, 799999)}",
            f"0564 {draw.randrange(200000, 799999)}",
        )
    )


def _passport(draw: Draw) -> str:
    return draw.choice(
        (
            f"{draw.choice('ABCEX')}{draw.randrange(10**6, 10**7)}",
            f"{draw.choice(('AU', 'XB', 'CD', 'AT'))}{draw.randrange(10**5, 10**6)}",
            f"{draw.choice('AHK')}{draw.randrange(10**7, 10**8)}",
            f"{draw.choice('ABCEX')} {draw.randrange(10**6, 10**7)}",
        )
    )


def _licence(draw: Draw) -> str:
    born = f"{draw.randint(60, 99)}{draw.randint(1, 12):02}"
    return draw.choice(
        (f"{born}-{draw.randrange(10**4):04}-{draw.randrange(10**6):06}", f"{born}{draw.randrange(10**8):08}")
    )


def _plate(draw: Draw) -> str:
    tail = "".join(draw.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=draw.randint(1, 3)))
    gap = draw.choice((" ", "", "-"))
    return draw.choice(
        (
            f"KB{gap}{draw.randint(1000, 9999)}{gap}{tail}",
            f"{draw.choice(('B', 'D', 'L'))}{gap}{draw.randint(1000, 9999)}{gap}{tail}",
            f"{draw.choice(('QAA', 'QKS', 'QMA', 'QS', 'QK'))}{gap}{draw.randint(10, 9999)}",
            f"QAA{gap}{draw.randint(10, 9999)}{gap}{tail[0]}",
            f"{draw.choice(('DA', 'KH', 'KT', 'BK', 'AB'))}{gap}{draw.randint(10, 9999)}{gap}{tail}",
        )
    )


def _mail(draw: Draw) -> str:
    name = draw.choice(("budi", "siti.aminah", "ahmad_88", "j.tan+kerja", "r2d2"))
    return f"{name}@{draw.choice(('gmail.com', 'mail.contoh.co.id', 'example.my', 'kerja-cepat.id'))}"


KINDS: Final[dict[str, Slot]] = {
    "NIK/KK": national_id,
    "MyKad": _mykad,
    "mobile ID": _mobile,
    "mobile MY": _malaysian,
    "international": _abroad,
    "landline": _landline,
    "passport": _passport,
    "SIM": _licence,
    "plate": _plate,
    "e-mail": _mail,
}


def _spaced_by(gap: str, size: int) -> Callable[[str, Draw], str]:
    def spaced(text: str, _draw: Draw) -> str:
        digits = text.replace("-", "").replace(" ", "")
        return gap.join(digits[at : at + size] for at in range(0, len(digits), size))

    return spaced


def _mixed_gaps(text: str, draw: Draw) -> str:
    return "".join(
        one + (draw.choice((" ", ".", "-", "")) if one.isdigit() and draw.random() < 0.4 else "")
        for one in text
    )


def _digits_from(zero: int) -> Callable[[str, Draw], str]:
    return lambda text, _draw: "".join(chr(zero + int(one)) if one.isdigit() else one for one in text)


def _joined_by(mark: str) -> Callable[[str, Draw], str]:
    return lambda text, _draw: mark.join(text)


def _look_alike(text: str, draw: Draw) -> str:
    as_letter = {"0": "Oo", "1": "lI"}
    return "".join(draw.choice(as_letter[one]) if one in as_letter else one for one in text)


def _in_words(language: tuple[str, ...]) -> Callable[[str, Draw], str]:
    return lambda text, _draw: " ".join(language[int(one)] for one in text if one.isdigit())


_NUMBERS: Final = frozenset({"NIK/KK", "mobile ID", "mobile MY", "international"})
_ALL: Final = frozenset(KINDS)
_ID_WORDS: Final = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan")
_MY_WORDS: Final = ("kosong", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "lapan", "sembilan")
_EN_WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

DISGUISES: Final[dict[str, tuple[Callable[[str, Draw], str], frozenset[str]]]] = {
    "as it is": (lambda text, _draw: text, _ALL),
    "full width": (lambda text, _draw: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text), _ALL),
    "Arabic-Indic digits": (_digits_from(0x0660), _ALL),
    "Devanagari digits": (_digits_from(0x0966), _ALL),
    "mathematical digits": (_digits_from(0x1D7CE), _ALL),
    "soft hyphens": (_joined_by("\u00ad"), _ALL),
    "zero-width joiners": (_joined_by("\u200d"), _ALL),
    "combining marks": (_joined_by("\u0332"), _NUMBERS),
    "percent encoding": (lambda text, _draw: "".join(f"%{ord(one):02X}" for one in text), _ALL),
    "character references": (lambda text, _draw: "".join(f"&#{ord(one)};" for one in text), _ALL),
    "spaces": (_spaced_by(" ", 1), _NUMBERS),
    "fours": (_spaced_by(" ", 4), _NUMBERS),
    "pairs": (_spaced_by(" ", 2), frozenset({"NIK/KK"})),
    "dots": (_spaced_by(".", 1), _NUMBERS),
    "dotted fours": (_spaced_by(".", 4), _NUMBERS),
    "dashes": (_spaced_by("-", 4), _NUMBERS),
    "long dashes": (_spaced_by("\u2013", 4), _NUMBERS),
    "no-break spaces": (_spaced_by("\u00a0", 4), _NUMBERS),
    "line ends": (_spaced_by("\n", 4), _NUMBERS),
    "underscores": (_spaced_by("_", 4), _NUMBERS),
    "slashes": (_spaced_by("/", 4), _NUMBERS),
    "commas": (_spaced_by(",", 4), _NUMBERS),
    "middle dots": (_spaced_by("\u00b7", 4), _NUMBERS),
    "mixed gaps": (_mixed_gaps, frozenset({"NIK/KK", "mobile ID"})),
    "O for 0, l for 1": (_look_alike, _NUMBERS),
    "Cyrillic letters": (lambda text, _draw: text.translate(str.maketrans("ABEKMHOPCTX", "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425")), frozenset({"plate", "passport"})),
    "touching words": (lambda text, _draw: f"nomor{text}ya", frozenset({"NIK/KK", "mobile ID"})),
    "words, Indonesian": (_in_words(_ID_WORDS), _NUMBERS),
    "words, Malay": (_in_words(_MY_WORDS), _NUMBERS),
    "words, English": (_in_words(_EN_WORDS), _NUMBERS),
    "at and dot in brackets": (lambda text, _draw: text.replace("@", " [at] ").replace(".", " (dot) "), frozenset({"e-mail"})),
    "blanks around the at": (lambda text, _draw: text.replace("@", " @ "), frozenset({"e-mail"})),
}  # fmt: skip


def planted(seed: int, count: int) -> Iterator[tuple[str, str, str]]:
    """Yield kind, disguise and note of so many notes that hold personal data in the middle."""
    draw = Draw(seed)
    ways = [(kind, name) for name, (_, kinds) in DISGUISES.items() for kind in sorted(kinds)]
    for number in range(count):
        kind, name = ways[number % len(ways)]
        secret = DISGUISES[name][0](KINDS[kind](draw), draw)
        before, after = draw.choice(_SLOTS)(draw), draw.choice(_SLOTS)(draw)
        yield kind, name, f"{before}, {secret}; {after}"


def measured(
    holds: Callable[[str], bool], seed: int = 5, count: int = 20_000
) -> tuple[list[str], Counter[tuple[str, str]]]:
    """Return the ordinary notes that were stopped, and how many planted ones of each way were not."""
    alarms = [note for note in (*HAND_WRITTEN, *ordinary(seed, count)) if holds(note)]
    misses = Counter((kind, name) for kind, name, note in planted(seed, count) if not holds(note))
    return alarms, misses


def report(count: int = 20_000) -> str:
    """Return both measures, with what was stopped and missed."""
    from sinergi_ingest.patterns import personal_data  # noqa: PLC0415 - the generator itself is no part of it

    alarms, misses = measured(lambda note: personal_data(note) is not None, count=count)
    return "\n".join(
        [
            f"salah alarm / false alarms: {len(alarms)} of {count + len(HAND_WRITTEN)} ordinary notes",
            *(f"    {personal_data(note)} {note!r}" for note in alarms[:20]),
            f"luput / misses: {misses.total()} of {count} planted notes",
            *(f"    {number} {kind}, {name}" for (kind, name), number in misses.most_common(20)),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
