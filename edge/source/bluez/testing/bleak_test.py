"""The fake org.bluez judged by somebody else's client: Bleak finds a strap on it, connects, reads,
listens, and notices the end, as it does with BlueZ."""

import asyncio
import os
import pathlib
import unittest

from edge.source.bluez.testing import steer

ADDRESS = "A0:9E:1A:00:00:01"
HEART_RATE = "0000180d-0000-1000-8000-00805f9b34fb"
MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
LOCATION = "00002a38-0000-1000-8000-00805f9b34fb"
FIRMWARE = "00002a26-0000-1000-8000-00805f9b34fb"
BINARY = pathlib.Path(__file__).absolute().parent / "fake_bluez_bin"


class BleakTest(unittest.TestCase):

    def setUp(self):
        self.fake = steer.FakeBluez(BINARY)
        self.addCleanup(self.fake.stop)
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = self.fake.address

    def test_scan_connect_listen(self):
        asyncio.run(asyncio.wait_for(self.scan_connect_listen(), 40))

    async def scan_connect_listen(self):
        import bleak  # reads the environment

        self.fake.do("strap", ADDRESS, "Polar H10 00000001")
        self.fake.do("strap", "A0:9E:1A:00:00:02", "Another")
        found = {}
        async with bleak.BleakScanner(lambda device, data: found.update({device.address: data}),
                                      service_uuids=[HEART_RATE]):
            self.assertEqual(self.fake.do("discovering"), "yes")
            while len(found) < 2:
                await asyncio.sleep(0.01)
        self.assertEqual(self.fake.do("discovering"), "no")
        self.assertEqual(found[ADDRESS].local_name, "Polar H10 00000001")
        self.assertEqual(found[ADDRESS].rssi, -60)
        self.assertIn(HEART_RATE, found[ADDRESS].service_uuids)

        gone = asyncio.Event()
        client = bleak.BleakClient(ADDRESS, disconnected_callback=lambda _: gone.set())
        await client.connect()
        self.assertEqual(self.fake.do("connected", ADDRESS), "yes")
        self.assertIn(HEART_RATE, [service.uuid for service in client.services])
        self.assertEqual(client.services.get_characteristic(MEASUREMENT).properties, ["notify"])
        self.assertEqual(bytes(await client.read_gatt_char(LOCATION)), b"\x01")
        self.assertEqual(bytes(await client.read_gatt_char(FIRMWARE)), b"3.1.1")

        values = []
        await client.start_notify(MEASUREMENT, lambda _, value: values.append(bytes(value)))
        self.assertEqual(self.fake.do("notifying", ADDRESS), "yes")
        self.fake.do("rr", ADDRESS, 1024, 1000)
        self.fake.do("notify", ADDRESS, "163c0004")
        while len(values) < 2:
            await asyncio.sleep(0.01)
        self.assertEqual(values, [b"\x16\x3c\x00\x04\xe8\x03", b"\x16\x3c\x00\x04"])
        await client.stop_notify(MEASUREMENT)
        self.assertEqual(self.fake.do("notifying", ADDRESS), "no")
        self.fake.do("drop", ADDRESS)
        await gone.wait()
        self.assertFalse(client.is_connected)


if __name__ == "__main__":
    unittest.main()
