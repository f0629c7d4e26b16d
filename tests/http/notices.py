"""What the tests of notices, e-mails and webhooks share."""

from server import NOW, ServerCase, wait_for

# Sent at any hour, as fast as may be.
AT_ONCE = ("--mail-hours", "00-24", "--mail-rate", "0")
SENDER = "ООО «Вендор» <billing@vendor.example>"


def later(minutes):
    """An instant so long after NOW."""
    hours, minutes = divmod(minutes, 60)
    return f"{NOW[:11]}{9 + hours:02}:{minutes:02}:00Z"


class NoticesCase(ServerCase):
    def clock(self, at, client=None):
        """Moves the clock; what was posted."""
        return (client or self.admin).post("/v1/notice-clock", {"at": at}, now=at).expect(200).json

    def paid(self, client, count=1, amount=100, at=None, **company):
        """A company in its trial that has paid so often, and is told: its account_id."""
        account_id = self.company(client, **{"admin_email": "anna@romashka.example", **company})
        for _ in range(count):
            client.post(f"/v1/accounts/{account_id}/payments", {"amount": amount, "method": "sbp"}).expect(201)
        self.clock(at or NOW, client)
        return account_id

    def deliveries(self, client, **query):
        return client.get("/v1/deliveries", query={"limit": 10000, **query}).expect(200).json

    def settled(self, client, status, count=1, **query):
        """The deliveries, when as many have that status."""
        found = wait_for(lambda: len(self.deliveries(client, status=status, **query)) >= count, seconds=60)
        self.assertTrue(found, self.deliveries(client, **query))
        return self.deliveries(client, status=status, **query)

    def attempted(self, client, attempts=1, **query):
        """The first delivery, when it has been attempted so often and waits again."""
        def done():
            found = self.deliveries(client, **query)
            return found and found[0]["attempts"] >= attempts and found[0]["detail"] is not None and found[0]
        found = wait_for(done, seconds=60)
        self.assertTrue(found, self.deliveries(client, **query))
        return found

    def again(self, client, delivery):
        """An operator does not wait for the next attempt."""
        return client.post(f"/v1/deliveries/{delivery['delivery_id']}/retry", {})
