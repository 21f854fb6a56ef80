"""What the overview shows: its panels and their queries. Texts are Indonesian first, English beside."""

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.models import units

SERVICES: Final = 'job=~"ingest|router|notifier"'


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression and how its series are called."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; from ``bad_from`` on it is red, or below ``good_from``."""

    title: str
    about: str
    expr: str
    unit: str = units.Short
    bad_from: float | None = None
    good_from: float | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Bars over time that add up: how many a minute."""

    title: str
    about: str
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over time."""

    title: str
    about: str
    queries: tuple[Query, ...]
    unit: str = units.Short


Panel = Figure | Counts | Lines


@dataclass(frozen=True, slots=True)
class Section:
    """A row of panels; together they fill the width of 24."""

    title: str
    panels: tuple[Panel, ...]

    @property
    def width(self) -> int:
        """The width of each panel."""
        return 24 // len(self.panels)


def _in_range(selector: str) -> str:
    return f"sum(increase({selector}[$__range]))"


def _per_minute(by: str, selector: str) -> str:
    return f"sum by ({by}) (rate({selector}[$__rate_interval])) * 60"


def _quantile(rank: str, histogram: str, selector: str = "", by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    rate = f"rate({histogram}_bucket{selector}[$__rate_interval])"
    return f"histogram_quantile({rank}, sum by ({labels}) ({rate}))"


def _stages(rank: str) -> tuple[Query, ...]:
    return (
        Query(_quantile(rank, "sinergi_ingest_store_seconds"), "1 diterima → disimpan / received → stored"),
        Query(
            _quantile(rank, "sinergi_router_receive_to_decide_seconds"),
            "2 diterima → diputuskan / received → decided",
        ),
        Query(
            _quantile(rank, "sinergi_delivery_seconds", '{since="decided"}'),
            "3 diputuskan → terkirim / decided → sent",
        ),
        Query(
            _quantile(rank, "sinergi_delivery_seconds", '{since="received"}'),
            "diterima → terkirim / received → sent",
        ),
    )


_CRITICAL: Final = 'sinergi_delivery_seconds_count{severity="kritis",since="received"}'
_CRITICAL_IN_TIME: Final = 'sinergi_delivery_seconds_bucket{severity="kritis",since="received",le="30.0"}'

OVERVIEW: Final = (
    Section(
        "Sekarang / Now",
        (
            Figure(
                "Layanan siap / Services ready",
                "Bagian layanan yang siap bekerja. / Share of the services that are ready.",
                f"sum(sinergi_ready) / count(up{{{SERVICES}}})",
                units.PercentUnit,
                good_from=1,
            ),
            Figure(
                "Peristiwa diterima / Events accepted",
                "Dalam rentang waktu yang dipilih. / In the chosen range.",
                _in_range("sinergi_ingest_accepted_total"),
            ),
            Figure(
                "Peringatan terbit / Alerts issued",
                "Tanpa latihan. / Without exercises.",
                _in_range('sinergi_router_alerts_total{traffic="real"}'),
            ),
            Figure(
                "Kiriman berhasil / Deliveries made",
                "Lewat semua saluran, tanpa latihan. / By all channels, without exercises.",
                _in_range('sinergi_deliveries_total{state=~"sent|delivered"}'),
            ),
            Figure(
                "Kritis dalam 30 detik / Critical within 30 s",
                "Sasaran 99 %. / The service level is 99 %.",
                f"{_in_range(_CRITICAL_IN_TIME)} / {_in_range(_CRITICAL)}",
                units.PercentUnit,
                good_from=0.99,
            ),
            Figure(
                "Menunggu dikirim / Waiting",
                "Kiriman yang belum selesai. / Deliveries that are still to be made.",
                "sum(sinergi_deliveries_pending)",
            ),
            Figure(
                "Perlu operator / Operators needed",
                "Hal yang harus dilihat operator. / Things that an operator must look at.",
                "sum(sinergi_operator_alert)",
                bad_from=1,
            ),
            Figure(
                "Aturan menyala / Rules firing",
                "Aturan peringatan Prometheus yang menyala. / Prometheus alert rules that fire.",
                'count(ALERTS{alertstate="firing"}) or vector(0)',
                bad_from=1,
            ),
        ),
    ),
    Section(
        "Masuk / In",
        (
            Counts(
                "Diterima menurut jalan / Accepted by way",
                "Peristiwa yang tersimpan di Kafka. / Events that Kafka has.",
                (Query(_per_minute("way", "sinergi_ingest_accepted_total"), "{{way}}"),),
            ),
            Counts(
                "Peristiwa menurut hasil / Events by outcome",
                "Setiap peristiwa berakhir pada satu hasil. / Every event ends in one outcome.",
                (
                    Query(
                        _per_minute("outcome, traffic", "sinergi_router_events_total"),
                        "{{outcome}} {{traffic}}",
                    ),
                ),
            ),
            Counts(
                "Ditolak menurut alasan / Refused by reason",
                "Oleh ingest, di pintunya, dan oleh router. / By ingest, at its door, and by the router.",
                (
                    Query(_per_minute("reason", "sinergi_ingest_refused_total"), "ingest {{reason}}"),
                    Query(_per_minute("reason", "sinergi_ingest_turned_away_total"), "pintu/door {{reason}}"),
                    Query(_per_minute("reason", "sinergi_router_rejected_total"), "router {{reason}}"),
                ),
            ),
        ),
    ),
    Section(
        "Sumber / Sources",
        (
            Lines(
                "Sumber senyap / Silent sources",
                "Dua selang tanpa tanda hidup. / No heartbeat for two intervals.",
                (Query('sum(sinergi_operator_alert{kind="source_silent"})', "senyap / silent"),),
            ),
            Counts(
                "Tanda hidup / Heartbeats",
                "Dari sistem yang hidup tetapi tidak melapor. / From systems that live and report nothing.",
                (Query(_per_minute("way", "sinergi_ingest_heartbeats_total"), "{{way}}"),),
            ),
            Counts(
                "Tidak dikenal / Not known",
                "Kunci, tanda tangan atau sertifikat yang salah. / Wrong keys, signatures or certificates.",
                (Query(_per_minute("kind", "sinergi_ingest_auth_failures_total"), "{{kind}}"),),
            ),
            Counts(
                "Tertahan / Held up",
                "Tak tersimpan, terlalu cepat, catatan ditahan. / Not stored, too fast, note kept back.",
                (
                    Query(
                        _per_minute("way", "sinergi_ingest_unstored_total"),
                        "tak tersimpan/not stored {{way}}",
                    ),
                    Query(
                        "sum(rate(sinergi_ingest_slowed_total[$__rate_interval])) * 60",
                        "terlalu cepat / too fast",
                    ),
                    Query(
                        "sum(rate(sinergi_ingest_notes_withheld_total[$__rate_interval])) * 60",
                        "catatan ditahan / note withheld",
                    ),
                ),
            ),
        ),
    ),
    Section(
        "Perutean / Routing",
        (
            Counts(
                "Peringatan menurut peran / Alerts by role",
                "Tanpa latihan. / Without exercises.",
                (Query(_per_minute("role", 'sinergi_router_alerts_total{traffic="real"}'), "{{role}}"),),
            ),
            Counts(
                "Peringatan menurut tingkat / Alerts by disclosure level",
                "L1 paling sedikit, L3 paling banyak. / L1 tells least, L3 most.",
                (Query(_per_minute("level", 'sinergi_router_alerts_total{traffic="real"}'), "{{level}}"),),
            ),
            Counts(
                "Asal wilayah / What settled the area",
                "Banyak 'province' berarti lokasi kurang. / Many 'province' mean poor locations.",
                (
                    Query(_per_minute("source", "sinergi_router_areas_total"), "{{source}}"),
                    Query(
                        "sum(rate(sinergi_router_area_conflicts_total[$__rate_interval])) * 60",
                        "kode jauh dari titik / code far from point",
                    ),
                ),
            ),
        ),
    ),
    Section(
        "Kepastian / Certainty",
        (
            Lines(
                "Tanpa hasil / Without an outcome",
                "Selain 0 adalah kesalahan. / Anything but 0 is a fault.",
                (Query("sum by (lane) (sinergi_unreconciled_events)", "jalur / lane {{lane}}"),),
            ),
            Counts(
                "Digabung / Merged",
                "Kiriman ulang dan revisi lama. / Repeats and old revisions.",
                (Query(_per_minute("reason", "sinergi_router_merged_total"), "{{reason}}"),),
            ),
            Counts(
                "Permintaan / Requests",
                "Eskalasi, ambil alih, tolak, rujuk, tarik. / Escalate, own, decline, refer, recall.",
                (Query(_per_minute("outcome", "sinergi_router_requests_total"), "{{outcome}}"),),
            ),
            Lines(
                "Paket yang berlaku / Pack in force",
                "Router menurut paket dan nomor aktivasi. / Routers by pack and number of its activation.",
                (Query("sum by (version, activation) (sinergi_policy_info)", "{{version}} #{{activation}}"),),
            ),
        ),
    ),
    Section(
        "Pengiriman / Delivery",
        (
            Counts(
                "Kiriman menurut saluran dan keadaan / Deliveries by channel and state",
                "Tanpa latihan. / Without exercises.",
                (Query(_per_minute("channel, state", "sinergi_deliveries_total"), "{{channel}} {{state}}"),),
            ),
            Lines(
                "Menunggu menurut jalur / Waiting by lane",
                "Kiriman yang belum selesai. / Deliveries that are still to be made.",
                (Query("sum by (lane) (sinergi_deliveries_pending)", "jalur / lane {{lane}}"),),
            ),
            Lines(
                "Tunggu terlama / Longest wait",
                "Umur kiriman tertua yang belum selesai. / Age of the oldest delivery still to be made.",
                (Query("max by (lane) (sinergi_delivery_oldest_pending_seconds)", "jalur / lane {{lane}}"),),
                units.Seconds,
            ),
        ),
    ),
    Section(
        "Waktu / Time",
        (
            Lines(
                "Median menurut tahap / Median by stage",
                "Separuh lebih cepat dari ini. / Half is faster than this.",
                _stages("0.5"),
                units.Seconds,
            ),
            Lines(
                "p99 menurut tahap / p99 by stage",
                "Satu dari seratus lebih lambat dari ini. / One in a hundred is slower than this.",
                _stages("0.99"),
                units.Seconds,
            ),
            Lines(
                "p99 sampai terkirim / p99 until sent",
                "Sejak laporan diterima. / From the receipt of the report.",
                (
                    Query(
                        _quantile("0.99", "sinergi_delivery_seconds", '{since="received"}', "severity"),
                        "{{severity}}",
                    ),
                    Query(
                        _quantile("0.99", "sinergi_delivery_seconds", '{since="received"}', "channel"),
                        "{{channel}}",
                    ),
                ),
                units.Seconds,
            ),
        ),
    ),
    Section(
        "Mesin / Engine",
        (
            Lines(
                "Jalur yang bekerja / Lanes at work",
                "Kurang dari semua: ada peristiwa yang menunggu. / Fewer than all: some events wait.",
                (
                    Query("sum(sinergi_router_lanes)", "router"),
                    Query("sum(sinergi_notifier_lanes)", "notifier"),
                ),
            ),
            Lines(
                "Perlu operator menurut jenis / Operators needed, by kind",
                "Kembali ke 0 bila sudah selesai. / Back to 0 when it is over.",
                (Query("sum by (kind) (sinergi_operator_alert)", "{{kind}}"),),
            ),
            Lines(
                "Utas dalam ingatan / Threads in memory",
                "Peristiwa yang dikenal router. / Events that the router knows.",
                (Query("sum by (lane) (sinergi_router_threads)", "jalur / lane {{lane}}"),),
            ),
            Lines(
                "Memori / Memory",
                "Memori proses tiap layanan. / Resident memory of each service.",
                (Query(f"process_resident_memory_bytes{{{SERVICES}}}", "{{job}}"),),
                units.BytesIEC,
            ),
        ),
    ),
)
