"""What a pack check may find: one word per kind of fault, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Rule(StrEnum):
    """Kinds of fault, as ``--json`` names them."""

    FILE = "file"
    HASH = "hash"
    POLYGON_INVALID = "polygon_invalid"
    POLYGON_OVERLAP = "polygon_overlap"
    POLYGON_GAP = "polygon_gap"
    POLYGON_EDGE = "polygon_edge"
    AREA_UNKNOWN = "area_unknown"
    AREA_MISSING = "area_missing"
    AREA_COUNT = "area_count"
    AREA_SUM = "area_sum"
    BORDER = "border"
    OFFICE_MISSING = "office_missing"
    OFFICE_AMBIGUOUS = "office_ambiguous"
    OFFICE_DIFFERS = "office_differs"
    UNMAPPED_MISSING = "unmapped_missing"
    UNKNOWN_CODE = "unknown_code"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_CONDITION = "unknown_condition"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_VALUE = "unknown_value"
    CODE_PATTERN = "code_pattern"
    ESCALATION_LOOP = "escalation_loop"
    UNREACHED = "unreached"
    SINGLE = "single"
    ACK_MISSING = "ack_missing"
    PLACE_OUTSIDE = "place_outside"
    SITUATIONS = "situations"
    PARAMETER_MISSING = "parameter_missing"
    DUPLICATE = "duplicate"
    RECIPIENT_GONE = "recipient_gone"


@dataclass(frozen=True, slots=True)
class Words:
    """The same sentence in Indonesian and English."""

    id: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault with its place: row of the CSV file (the header is row 1), or feature of the GeoJSON."""

    rule: Rule
    file: str
    row: int | None
    wrong: Words

    @property
    def advice(self) -> Words:
        """What to do about it."""
        return ADVICE[self.rule]


ADVICE: Final = {
    Rule.FILE: Words(
        "Lengkapi atau perbaiki berkas ini menurut README paket.",
        "Complete or repair this file as the pack's README says.",
    ),
    Rule.HASH: Words(
        "Periksa perubahannya, lalu jalankan `sinergi pack seal`.",
        "Look at what changed, then run `sinergi pack seal`.",
    ),
    Rule.POLYGON_INVALID: Words(
        "Perbaiki bentuknya di sumber, lalu jalankan `sinergi pack build`.",
        "Repair the shape in the source, then run `sinergi pack build`.",
    ),
    Rule.POLYGON_OVERLAP: Words(
        "Tetapkan milik siapa lahan itu di sumber, lalu jalankan `sinergi pack build`.",
        "Settle in the source whose land it is, then run `sinergi pack build`.",
    ),
    Rule.POLYGON_GAP: Words(
        "Berikan lahan itu kepada satu kecamatan di sumber, lalu jalankan `sinergi pack build`.",
        "Give the land to one kecamatan in the source, then run `sinergi pack build`.",
    ),
    Rule.POLYGON_EDGE: Words(
        "Samakan titik-titik batas dengan tetangganya di sumber, lalu jalankan `sinergi pack build`.",
        "Give both neighbours the same points along the edge in the source, then run `sinergi pack build`.",
    ),
    Rule.AREA_UNKNOWN: Words(
        "Perbaiki kode atau nama poligon, atau tambahkan kabupatennya di admin_kabkota.csv.",
        "Correct the polygon's code or name, or add its kabupaten to admin_kabkota.csv.",
    ),
    Rule.AREA_MISSING: Words(
        "Tambahkan poligon kecamatannya, atau hapus baris ini.",
        "Add the polygons of its kecamatan, or remove this row.",
    ),
    Rule.AREA_COUNT: Words(
        "Kembalikan poligon yang hilang, atau bangun ulang dengan `sinergi pack build`.",
        "Bring the missing polygons back, or rebuild with `sinergi pack build`.",
    ),
    Rule.AREA_SUM: Words(
        "Cari lahan yang hilang atau bertambah, atau bangun ulang dengan `sinergi pack build`.",
        "Find the land that was lost or added, or rebuild with `sinergi pack build`.",
    ),
    Rule.BORDER: Words(
        "Perbaiki garis di border.geojson atau baris di border_kecamatan.csv.",
        "Correct the line in border.geojson or the row in border_kecamatan.csv.",
    ),
    Rule.OFFICE_MISSING: Words(
        "Isi jurisdiction kantor yang berwenang di recipients.csv, atau aktifkan kantornya.",
        "Fill in the competent office's jurisdiction in recipients.csv, or make the office active.",
    ),
    Rule.OFFICE_AMBIGUOUS: Words(
        "Sisakan satu kantor untuk kode wilayah itu di recipients.csv.",
        "Leave one office for that area code in recipients.csv.",
    ),
    Rule.OFFICE_DIFFERS: Words(
        "Samakan tabel ini dengan jurisdiction di recipients.csv.",
        "Make this table and the jurisdiction in recipients.csv agree.",
    ),
    Rule.UNMAPPED_MISSING: Words(
        "Tambahkan baris UNMAPPED untuk jenis ini di routing_rules.csv.",
        "Add an UNMAPPED row for this kind to routing_rules.csv.",
    ),
    Rule.UNKNOWN_CODE: Words(
        "Perbaiki kode, atau tambahkan baris yang dirujuk.",
        "Correct the code, or add the row that it names.",
    ),
    Rule.UNKNOWN_KIND: Words(
        "Perbaiki jenis, atau tambahkan di agencies.csv beserta penerimanya di recipients.csv.",
        "Correct the kind, or add it to agencies.csv and its recipients to recipients.csv.",
    ),
    Rule.UNKNOWN_CONDITION: Words(
        "Perbaiki syarat, atau tambahkan di conditions.csv.",
        "Correct the condition, or add it to conditions.csv.",
    ),
    Rule.UNKNOWN_FIELD: Words(
        "Perbaiki nama; pakai nama medan dari kontrak peristiwa.",
        "Correct the name; use a field name of the event contract.",
    ),
    Rule.UNKNOWN_VALUE: Words(
        "Pakai salah satu nilai yang dikenal.",
        "Use one of the values that are known.",
    ),
    Rule.CODE_PATTERN: Words(
        "Perbaiki kode penerima, atau code_pattern di agencies.csv.",
        "Correct the recipient's code, or code_pattern in agencies.csv.",
    ),
    Rule.ESCALATION_LOOP: Words(
        "Kosongkan escalates_to pada salah satu dari mereka.",
        "Empty escalates_to of one of them.",
    ),
    Rule.UNREACHED: Words(
        "Tambahkan mandat atau wilayah baginya, atau jadikan tidak aktif.",
        "Give it a mandate or an area, or make it inactive.",
    ),
    Rule.SINGLE: Words(
        "Sisakan tepat satu penerima aktif untuk jenis ini, atau ubah scope.",
        "Leave exactly one active recipient of this kind, or change the scope.",
    ),
    Rule.ACK_MISSING: Words(
        "Isi keempat kolom ack_*_min dengan menit, bilangan bulat positif.",
        "Fill all four ack_*_min columns with minutes, positive whole numbers.",
    ),
    Rule.PLACE_OUTSIDE: Words(
        "Perbaiki lat dan lon, atau kode_kec.",
        "Correct lat and lon, or kode_kec.",
    ),
    Rule.SITUATIONS: Words(
        "Samakan situasi dengan daftar di kontrak peristiwa.",
        "Make the situations those of the event contract.",
    ),
    Rule.PARAMETER_MISSING: Words(
        "Tambahkan baris parameter ini di routing_rules.csv.",
        "Add this parameter's row to routing_rules.csv.",
    ),
    Rule.DUPLICATE: Words(
        "Hapus salah satu baris.",
        "Remove one of the rows.",
    ),
    Rule.RECIPIENT_GONE: Words(
        "Kembalikan barisnya dengan active=tidak, supaya pembatalan dan penarikan tetap sampai kepadanya.",
        "Put its row back with active=tidak, so that cancels and recalls still reach it.",
    ),
}
