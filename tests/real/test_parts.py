"""The parts that ``sinergi up`` starts are the real ones and do what the services count on."""

import asyncio
import smtplib
import uuid
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from sinergi_ops.ports import Ports, PortTakenError
from sinergi_ops.stack import AlreadyRunningError, Plan, is_running, parts, read_state


@pytest.fixture
async def topic(kafka):
    name = f"parts-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    return name


async def test_a_transaction_that_was_aborted_is_not_read(kafka, topic):
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=f"{topic}-t", transaction_timeout_ms=6_000
    )
    await producer.start()
    await producer.begin_transaction()
    await producer.send(topic, b"aborted")
    await producer.abort_transaction()
    async with producer.transaction():
        await producer.send(topic, b"committed")
    await producer.stop()

    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    first = await asyncio.wait_for(consumer.getone(), 10)
    await consumer.stop()

    assert first.value == b"committed"


async def test_no_topic_is_made_by_writing_to_it(kafka):
    producer = AIOKafkaProducer(bootstrap_servers=kafka, request_timeout_ms=2_000)
    await producer.start()
    with pytest.raises(UnknownTopicOrPartitionError):
        await producer.send_and_wait(f"nobody-made-{uuid.uuid4().hex[:8]}", b"x")
    await producer.stop()


async def test_valkey_answers_and_knows_set_if_absent(valkey):
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(valkey).port)
    key = uuid.uuid4().hex
    writer.write(f"SET {key} 1 NX EX 10\r\nSET {key} 2 NX EX 10\r\nGET {key}\r\n".encode())
    answers = [await asyncio.wait_for(reader.readline(), 5) for _ in range(4)]
    writer.close()
    assert answers == [b"+OK\r\n", b"$-1\r\n", b"$1\r\n", b"1\r\n"]


async def test_a_mail_is_kept_whole_with_its_envelope(mailbox):
    sent = EmailMessage()
    sent["Subject"] = f"Peringatan {uuid.uuid4().hex}"
    sent["To"] = "Piket <piket@imigrasi.example>"
    sent.set_content("Titik keluar: Entikong — é, ł, 中\n")
    host, port = mailbox.address.split(":")

    def send() -> None:
        with smtplib.SMTP(host, int(port)) as client:
            client.send_message(sent, "sinergi@demo.example", ["bcc@imigrasi.example"])

    await asyncio.to_thread(send)

    (kept,) = [mail for mail in mailbox.messages if mail["Subject"] == sent["Subject"]]
    assert kept["X-Envelope-To"] == "bcc@imigrasi.example"
    assert kept.get_content().splitlines() == ["Titik keluar: Entikong — é, ł, 中"]


async def test_a_second_run_in_the_same_folder_is_refused(real_parts):
    with pytest.raises(AlreadyRunningError, match="sinergi down"):
        async with parts(Plan(real_parts.plan.run_dir, Ports.free())):
            pass


async def test_a_taken_port_is_named_with_what_to_do(real_parts, tmp_path):
    with pytest.raises(
        PortTakenError, match=rf"{real_parts.plan.ports.kafka} \(kafka\).*(?s:.*)--kafka-port"
    ):
        async with parts(Plan(tmp_path, real_parts.plan.ports)):
            pass
    assert not is_running(tmp_path)


async def test_the_state_names_each_child_with_its_process(real_parts):
    children = read_state(real_parts.plan.run_dir)["children"]
    assert {name: child["state"] for name, child in children.items()} == {
        "kafka": "ready",
        "valkey": "ready",
        "mail": "ready",
        "hooks": "ready",
    }
