"""Sends a station's parcels over MQTT: the broker's acknowledgement, or the gateway's receipt, ends a sending."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from telemetry.mqtt.acknowledging import BrokerAddress
from telemetry.mqtt.publishing import PublishRefused, StationPublisher
from telemetry.simulation.parcels import Acceptance, Answer, Parcel

# A receipt names the bytes that it is for; a station remembers this many of its newest messages.
_REMEMBERED = 2_000

OnReceipt = Callable[[str, Mapping[str, Any]], None]


class MqttTransport:
    """One station's connection. Open it before use; `send` never raises for what broker and network do.

    on_receipt: is handed the operation and its receipt, whenever one comes.
    wait_for_receipt: for brokers whose acknowledgement does not mean "on disk", a sending ends with the receipt.
    """

    def __init__(
        self,
        address: BrokerAddress,
        station: str,
        *,
        on_receipt: OnReceipt,
        patience: float = 15.0,
        wait_for_receipt: bool = False,
    ) -> None:
        self._publisher = StationPublisher(address, station, on_receipts=self._hear)
        self._on_receipt = on_receipt
        self._patience = patience
        self._wait_for_receipt = wait_for_receipt
        self._operations: OrderedDict[str, str] = OrderedDict()
        self._awaited: dict[str, asyncio.Future[Mapping[str, Any]]] = {}

    async def open(self) -> None:
        await self._publisher.__aenter__()

    async def close(self) -> None:
        await self._publisher.__aexit__(None, None, None)

    async def send(self, parcel: Parcel) -> Answer:
        self._remember(parcel)
        receipt: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._awaited[parcel.sha256] = receipt
        try:
            async with asyncio.timeout(self._patience):
                await self._publisher.publish(parcel.raw, file_name=parcel.file_name)
                if self._wait_for_receipt:
                    return Answer(Acceptance.ACKED, "receipt", receipt=await receipt)
        except TimeoutError:
            return Answer(Acceptance.UNKNOWN, "puback", self._publisher.last_error or "no answer in time")
        except PublishRefused as error:
            return Answer(Acceptance.UNKNOWN, "puback", f"the broker refused: {error}")
        finally:
            self._awaited.pop(parcel.sha256, None)
        return Answer(Acceptance.ACKED, "puback")

    def _remember(self, parcel: Parcel) -> None:
        self._operations[parcel.sha256] = parcel.operation
        if len(self._operations) > _REMEMBERED:
            self._operations.popitem(last=False)

    def _hear(self, receipts: list[dict[str, Any]]) -> None:
        for receipt in receipts:
            sha256 = str(receipt.get("sha256"))
            waiting = self._awaited.get(sha256)
            if waiting is not None and not waiting.done() and self._wait_for_receipt:
                waiting.set_result(receipt)
            elif sha256 in self._operations:
                self._on_receipt(self._operations[sha256], receipt)
