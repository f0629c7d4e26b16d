"""Stand-ins of the web services of payment systems, for tests: each answers as its public documentation says, and on
demand does not: it refuses connections, is slow, lies, redirects, answers garbage or too much.

YooKassa: https://yookassa.ru/developers/api, T-Bank: https://developer.tbank.ru/eacq/api, Sberbank:
https://securepayments.sberbank.ru/wiki. What they sign and send to a shop is made here as well, with Python's own
digests, and knows nothing of the product."""

import base64
import copy
import hashlib
import hmac
import http.server
import json
import re
import socket
import threading
import urllib.parse
import uuid


class Service:
    """An HTTP server on this machine. `requests` are the requests it got, with .method, .path, .headers, .body.

    `behave` is how it answers: None as documented, 'down' (no connection), 'slow' (never), 'garbage', 'empty',
    'redirect' (to `elsewhere`), 'huge' (a megabyte and more of the right answer), 'cut' (the connection is lost in the
    middle of the answer) or a status, with a body that says nothing."""

    def __init__(self):
        self.requests, self.behave, self.elsewhere = [], None, "http://127.0.0.1:9/"
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.server = self._serve(0)
        self.port = self.server.server_port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _serve(self, port):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.method = self.command
                with service.lock:
                    service.requests.append(self)
                service.respond(self)

            do_GET = do_POST = handle_one

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        server = Quiet(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def down(self):
        """Nobody listens there any more."""
        self.server.shutdown()
        self.server.server_close()

    def up(self):
        self.server = self._serve(self.port)

    def respond(self, request):
        behave = self.behave
        if behave == "slow":
            self.released.wait(120)
            request.close_connection = True
            return
        if behave == "redirect":
            self.send(request, 302, b"", Location=self.elsewhere)
            return
        if behave == "garbage":
            self.send(request, 200, b"<html>\xff\xfe it works! \"{[")
            return
        if behave == "empty":
            self.send(request, 200, b"")
            return
        if isinstance(behave, int):
            self.send(request, behave, b'{"type": "error"}')
            return
        with self.lock:
            status, answer = self.answer(request)
        body = json.dumps(answer, ensure_ascii=False).encode()
        if behave == "huge":
            body += b" " * 1024 * 1024
        if behave == "cut":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                                + str(len(body)).encode() + b"\r\n\r\n" + body[:-1])
            request.wfile.flush()
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
            return
        self.send(request, status, body)

    @staticmethod
    def send(request, status, body, **headers):
        request.send_response(status)
        request.send_header("Content-Type", "application/json;charset=UTF-8")
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def answer(self, request):
        raise NotImplementedError


class Refused(Exception):
    """What the service answers to a wrong request: the status and the body."""


def demand(condition, status, body):
    if not condition:
        raise Refused(status, body)


class YooKassa(Service):
    """payments and refunds, by their ids, as the service would show them."""

    shop_id, secret_key = "506751", "test_dgXFsNUZMZDYk0aSgB6b7"

    def __init__(self, receipts=False):
        self.payments, self.refunds, self.keys, self.receipts = {}, {}, {}, receipts
        super().__init__()

    @property
    def secrets(self):
        return {"shop_id": self.shop_id, "secret_key": self.secret_key, "api": self.url}

    def answer(self, request):
        try:
            expected = "Basic " + base64.b64encode(f"{self.shop_id}:{self.secret_key}".encode()).decode()
            demand(request.headers.get("Authorization") == expected, 401, self.error("invalid_credentials"))
            found = re.fullmatch(r"/v3/(payments|refunds)/([^/?]+)", request.path)
            if request.method == "GET":
                demand(found, 405, self.error("invalid_request"))
                item = (self.payments if found[1] == "payments" else self.refunds).get(found[2])
                demand(item, 404, self.error("not_found"))
                return 200, item
            demand(request.path == "/v3/payments", 404, self.error("not_found"))
            return 200, self.create(request)
        except Refused as refused:
            return refused.args

    @staticmethod
    def error(code):
        return {"type": "error", "id": str(uuid.uuid4()), "code": code, "description": "…"}

    def create(self, request):
        """POST /v3/payments, with all that it demands of a request."""
        wrong = 400, self.error("invalid_request")
        demand(request.headers.get("Content-Type", "").split(";")[0] == "application/json", 415, wrong[1])
        key = request.headers.get("Idempotence-Key", "")
        demand(0 < len(key) <= 64, *wrong)
        try:
            asked = json.loads(request.body)
        except ValueError:
            raise Refused(*wrong) from None
        if key in self.keys:
            made, before = self.keys[key]
            demand(before == asked, *wrong)
            return self.payments[made]
        demand(set(asked) <= {"amount", "capture", "confirmation", "description", "metadata", "receipt"}, *wrong)
        self.money(asked["amount"], wrong)
        demand(asked.get("capture") is True, *wrong)
        demand(asked["confirmation"]["type"] == "redirect" and len(asked["confirmation"]["return_url"]) <= 2048, *wrong)
        demand(len(asked.get("description", "")) <= 128, *wrong)
        metadata = asked.get("metadata", {})
        demand(len(metadata) <= 16 and all(isinstance(value, str) and len(name) <= 32 and len(value) <= 512
                                           for name, value in metadata.items()), *wrong)
        demand(not self.receipts or "receipt" in asked, *wrong)
        if "receipt" in asked:
            self.check_receipt(asked["receipt"], asked["amount"], wrong)
        payment = self.payment(asked["amount"]["value"], metadata, status="pending", paid=False,
                               description=asked.get("description"))
        payment["confirmation"] = {"type": "redirect", "return_url": asked["confirmation"]["return_url"],
                                   "confirmation_url":
                                   f"https://yoomoney.ru/checkout/payments/v2/contract?orderId={payment['id']}"}
        self.keys[key] = payment["id"], asked
        return payment

    @staticmethod
    def money(amount, wrong):
        demand(re.fullmatch(r"(0|[1-9]\d*)\.\d\d", amount["value"]) and re.fullmatch("[A-Z]{3}", amount["currency"]),
               *wrong)

    def check_receipt(self, receipt, amount, wrong):
        demand(re.fullmatch(r"[^@\s]+@[^@\s]+", receipt["customer"]["email"]), *wrong)
        demand(receipt["tax_system_code"] in range(1, 7), *wrong)
        [item] = receipt["items"]
        demand(set(item) == {"description", "quantity", "amount", "vat_code", "payment_mode", "payment_subject"},
               *wrong)
        demand(0 < len(item["description"]) <= 128 and item["vat_code"] in range(1, 13), *wrong)
        demand(item["amount"] == amount and float(item["quantity"]) == 1, *wrong)
        demand((item["payment_mode"], item["payment_subject"]) == ("advance", "payment"), *wrong)

    def payment(self, value, metadata=None, currency="RUB", status="succeeded", paid=True, **more):
        """Makes a payment; its object."""
        payment = {"id": str(uuid.uuid4()), "status": status, "paid": paid,
                   "amount": {"value": value, "currency": currency}, "created_at": "2026-11-02T08:58:00.691Z",
                   "metadata": metadata if metadata is not None else {}, "refundable": paid, "test": False,
                   "recipient": {"account_id": self.shop_id, "gateway_id": "1740023"},
                   "payment_method": {"type": "bank_card", "id": "22e12f66-000f-5000-8000-18db351245c7",
                                      "title": "Bank card *4444"}}
        if paid:
            payment["captured_at"] = "2026-11-02T08:59:30.111Z"
        payment.update({name: each for name, each in more.items() if each is not None})
        self.payments[payment["id"]] = payment
        return payment

    def pay(self, payment_id):
        """The payer paid; the notification."""
        payment = self.payments[payment_id]
        payment.update(status="succeeded", paid=True, captured_at="2026-11-02T08:59:30.111Z")
        return self.notification(payment)

    def refund(self, payment_id, value, currency="RUB", status="succeeded"):
        """Refunds (a part of) a payment; the refund's object."""
        refund = {"id": str(uuid.uuid4()), "payment_id": payment_id, "status": status,
                  "created_at": "2026-11-02T08:59:50.000Z", "amount": {"value": value, "currency": currency}}
        self.refunds[refund["id"]] = refund
        return refund

    @staticmethod
    def notification(item, event=None, **altered):
        """What the service sends: the object as it is, but for what is altered."""
        kind = "refund" if "payment_id" in item else "payment"
        body = {"type": "notification", "event": event or f"{kind}.{item['status']}",
                "object": {**copy.deepcopy(item), **altered}}
        return json.dumps(body, ensure_ascii=False).encode()


def tbank_token(fields, password):
    """The values of the root's scalars and Password, in the order of their keys, by SHA-256. Numbers are taken as
    they stand: a test that cares gives them as Raw."""
    scalars = {"Password": password}
    for name, value in fields.items():
        if name != "Token" and value is not None and not isinstance(value, (dict, list)):
            scalars[name] = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return hashlib.sha256("".join(scalars[name] for name in sorted(scalars)).encode()).hexdigest()


class TBank(Service):
    """payments, by their PaymentId."""

    terminal_key, password = "1321054611234DEMO", "Dfsfh56dgKl"

    def __init__(self, receipts=False):
        self.payments, self.receipts = {}, receipts
        super().__init__()

    @property
    def secrets(self):
        return {"terminal_key": self.terminal_key, "password": self.password, "api": self.url}

    def answer(self, request):
        try:
            demand((request.method, request.path) == ("POST", "/v2/Init"), 404, {})
            demand(request.headers.get("Content-Type", "").split(";")[0] == "application/json", 415, {})
            asked = json.loads(request.body)
            return 200, self.init(asked)
        except Refused as refused:
            return refused.args
        except ValueError:
            return 200, self.failed("1")

    @staticmethod
    def failed(code):
        return {"Success": False, "ErrorCode": code, "Message": "Неверные параметры.", "Details": "…"}

    def init(self, asked):
        demand(asked.get("TerminalKey") == self.terminal_key, 200, self.failed("501"))
        demand(hmac.compare_digest(asked.get("Token", ""), tbank_token(asked, self.password)), 200, self.failed("204"))
        demand(isinstance(asked["Amount"], int) and 0 < asked["Amount"] < 10**10, 200, self.failed("251"))
        demand(0 < len(asked["OrderId"]) <= 36, 200, self.failed("212"))
        demand(all(each["OrderId"] != asked["OrderId"] for each in self.payments.values()), 200, self.failed("20"))
        demand(len(asked.get("Description", "")) <= 140, 200, self.failed("213"))
        demand(not self.receipts or "Receipt" in asked, 200, self.failed("308"))
        if "Receipt" in asked:
            self.check_receipt(asked["Receipt"], asked["Amount"])
        payment_id = str(700000000 + len(self.payments))
        self.payments[payment_id] = asked
        return {"Success": True, "ErrorCode": "0", "TerminalKey": self.terminal_key, "Status": "NEW",
                "PaymentId": payment_id, "OrderId": asked["OrderId"], "Amount": asked["Amount"],
                "PaymentURL": f"https://securepay.tinkoff.ru/new/{payment_id}"}

    def check_receipt(self, receipt, amount):
        wrong = 200, self.failed("309")
        demand(re.fullmatch(r"[^@\s]+@[^@\s]+", receipt["Email"]) and len(receipt["Email"]) <= 64, *wrong)
        demand(receipt["Taxation"] in ("osn", "usn_income", "usn_income_outcome", "esn", "patent"), *wrong)
        [item] = receipt["Items"]
        demand(set(item) == {"Name", "Price", "Quantity", "Amount", "Tax", "PaymentMethod", "PaymentObject"}, *wrong)
        demand(0 < len(item["Name"]) <= 128 and item["Price"] * item["Quantity"] == item["Amount"] == amount, *wrong)
        demand(item["Tax"] in ("none", *(f"vat{each}" for each in (0, 5, 7, 10, 20, 22, 105, 107, 110, 120, 122))),
               *wrong)
        demand((item["PaymentMethod"], item["PaymentObject"]) == ("advance", "payment"), *wrong)

    def notification(self, status, amount, order_id, payment_id=13660, **altered):
        """What the bank sends; an altered field of None is left out. The Token fits unless it is given."""
        fields = {"TerminalKey": self.terminal_key, "OrderId": order_id, "Success": status != "REJECTED",
                  "Status": status, "PaymentId": payment_id, "ErrorCode": "0", "Amount": amount, "CardId": 322264,
                  "Pan": "430000******0777", "ExpDate": "1122", "DATA": {"source": "Cards"}, **altered}
        fields.setdefault("Token", tbank_token(fields, self.password))
        return json.dumps({name: value for name, value in fields.items() if value is not None},
                          ensure_ascii=False).encode()

    def paid(self, payment_id):
        """The notification that a payment made by Init is paid."""
        payment = self.payments[payment_id]
        return self.notification("CONFIRMED", payment["Amount"], payment["OrderId"], int(payment_id))


class Sber(Service):
    """orders, by their mdOrder, as getOrderStatusExtended.do shows them."""

    token, user, password = "yourSecretToken", "shop-api", "Pa$$ &word="

    def __init__(self):
        self.orders = {}
        super().__init__()

    @property
    def secrets(self):
        return {"token": self.token, "user": self.user, "password": self.password, "api": self.url}

    def answer(self, request):
        asked = dict(urllib.parse.parse_qsl(request.body.decode()))
        if (request.method, request.path) != ("POST", "/payment/rest/getOrderStatusExtended.do"):
            return 404, {}
        if (asked.get("userName"), asked.get("password")) != (self.user, self.password):
            return 200, {"errorCode": "5", "errorMessage": "Доступ запрещён"}
        if asked.get("orderId") not in self.orders:
            return 200, {"errorCode": "6", "errorMessage": "Заказ не найден"}
        return 200, self.orders[asked["orderId"]]

    def order(self, order_number, amount, deposited=None, refunded=0, status=None, currency="643"):
        """Makes an order; its mdOrder. Deposited in full unless it is told otherwise."""
        md_order = str(uuid.uuid4())
        self.orders[md_order] = {
            "errorCode": "0", "errorMessage": "Успешно", "orderNumber": order_number,
            "orderStatus": status if status is not None else 4 if refunded else 2, "actionCode": 0,
            "amount": amount, "currency": currency, "date": 1793609970000,
            "attributes": [{"name": "mdOrder", "value": md_order}],
            "paymentAmountInfo": {"paymentState": "REFUNDED" if refunded else "DEPOSITED", "approvedAmount": amount,
                                  "depositedAmount": amount if deposited is None else deposited,
                                  "refundedAmount": refunded}}
        return md_order

    def refund(self, md_order, amount):
        """Refunds a further part of an order."""
        order = self.orders[md_order]
        order["orderStatus"] = 4
        order["paymentAmountInfo"]["paymentState"] = "REFUNDED"
        order["paymentAmountInfo"]["refundedAmount"] += amount


def sber_checksum(fields, token):
    """Over the fields but checksum and sign_alias, in the order of their names."""
    return hmac.new(token.encode(), sber_signed(fields), hashlib.sha256).hexdigest().upper()


def sber_signed(fields):
    return "".join(f"{name};{fields[name]};" for name in sorted(fields)
                   if name not in ("checksum", "sign_alias")).encode()
