// The sender's pure parts: messages, schedules, signatures, and what an answer means.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "codecs/base64.h"
#include "delivery/mail_message.h"
#include "delivery/public_address.h"
#include "delivery/schedule.h"
#include "delivery/smtp.h"
#include "delivery/webhook.h"
#include "delivery/webhook_signature.h"

namespace saldo::server {
namespace {

using Kind = Outcome::Kind;
using std::chrono::hours;
using std::chrono::minutes;

TEST(Base64, ParsesWholeGroupsAlone) {
  EXPECT_EQ("", parse_base64(""));
  EXPECT_EQ("f", parse_base64("Zg=="));
  EXPECT_EQ("fo", parse_base64("Zm8="));
  EXPECT_EQ("foobar", parse_base64("Zm9vYmFy"));
  EXPECT_EQ("\xfb\xff", parse_base64("+/8="));
  for (const auto* wrong : {"Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm 9", "Zm9\n", "Zg=A"})
    EXPECT_EQ(std::nullopt, parse_base64(wrong)) << wrong;
}

TEST(WebhookSignature, TheSpecificationsVector) {
  const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const auto* const body = R"({"test": 2432232314})";
  const std::string signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  EXPECT_EQ(signature, sign_webhook({secret}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body));
  const auto two =
      sign_webhook({secret, "whsec_AAAA"}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body);
  EXPECT_EQ(signature + " v1,", two.substr(0, signature.size() + 4));
  // What is no secret is passed over, and no message goes without a signature.
  EXPECT_EQ(signature, sign_webhook({"whsec_?", secret, "AAAA"}, "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                    1614265330, body));
  EXPECT_THROW(sign_webhook({}, "a", 1, ""), std::runtime_error);
  EXPECT_THROW(sign_webhook({"whsec_?"}, "a", 1, ""), std::runtime_error);
  EXPECT_THROW(sign_webhook({"AAAA"}, "a", 1, ""), std::runtime_error);
}

TEST(Schedule, MailIsTriedForFourDays) {
  const seconds waits[] = {minutes{1}, minutes{5}, minutes{15}, minutes{60}, hours{3}, hours{3}};
  for (int attempt = 1; attempt <= 6; ++attempt)
    EXPECT_EQ(waits[attempt - 1], mail_wait_after(attempt, seconds{0})) << attempt;
  EXPECT_EQ(hours{3}, mail_wait_after(1000, hours{96} - seconds{1}));
  EXPECT_EQ(std::nullopt, mail_wait_after(1, hours{96}));
}

TEST(Schedule, AWebhookIsTriedTenTimes) {
  const seconds waits[] = {seconds{5}, minutes{5}, minutes{30}, hours{2}, hours{5},
                           hours{10},  hours{14},  hours{20},   hours{24}};
  for (int attempt = 1; attempt <= 9; ++attempt)
    EXPECT_EQ(waits[attempt - 1], webhook_wait_after(attempt, std::nullopt)) << attempt;
  EXPECT_EQ(std::nullopt, webhook_wait_after(10, std::nullopt));
  EXPECT_EQ(std::nullopt, webhook_wait_after(10, seconds{60}));
  EXPECT_EQ(seconds{120}, webhook_wait_after(1, seconds{120}));
  EXPECT_EQ(seconds{5}, webhook_wait_after(1, seconds{0}));
  for (int attempt = 1; attempt <= 9; ++attempt)
    EXPECT_EQ(waits[attempt - 1], webhook_wait_after(attempt, seconds{1})) << attempt;
  EXPECT_EQ(hours{24}, webhook_wait_after(1, hours{1000}));
}

TEST(Schedule, HoursOfMail) {
  const auto* const moscow = find_zone("Europe/Moscow");
  const auto hours_of = [](const char* text) { return parse_mail_hours(text).value(); };
  const auto at = [](const char* text) { return parse_instant(text).value(); };
  EXPECT_FALSE(is_within(hours_of("09-20"), at("2026-11-16T05:59:59Z"), moscow));
  EXPECT_TRUE(is_within(hours_of("09-20"), at("2026-11-16T06:00:00Z"), moscow));
  EXPECT_TRUE(is_within(hours_of("09-20"), at("2026-11-16T16:59:59Z"), moscow));
  EXPECT_FALSE(is_within(hours_of("09-20"), at("2026-11-16T17:00:00Z"), moscow));
  for (int hour = 0; hour < 24; ++hour)
    EXPECT_TRUE(is_within(hours_of("00-24"), at("2026-11-16T00:30:00Z") + hours{hour}, moscow));
  for (const auto* wrong :
       {"", "9-20", "09-9", "20-09", "09-09", "09-25", "09:20", "09-20 ", "-1-20"})
    EXPECT_FALSE(parse_mail_hours(wrong)) << wrong;
}

TEST(RelayUrl, HostAndPort) {
  const auto check = [](const char* text, const char* host, bool encrypted) {
    const auto url = parse_relay_url(text);
    ASSERT_TRUE(url) << text;
    EXPECT_EQ(host, url->host);
    EXPECT_EQ(encrypted, url->encrypted);
  };
  check("smtp://mail.example.org", "mail.example.org", false);
  check("smtp://mail.example.org:587", "mail.example.org", false);
  check("smtps://127.0.0.1:65535", "127.0.0.1", true);
  check("smtp://[::1]:1", "::1", false);
  check("smtp://[2001:db8::1]", "2001:db8::1", false);
  for (const auto* wrong : {"",
                            "mail.example.org:587",
                            "http://a:1",
                            "smtp://",
                            "smtp://:25",
                            "smtp://a:",
                            "smtp://a:0",
                            "smtp://a:65536",
                            "smtp://a:99999",
                            "smtp://a:x",
                            "smtp://a:1x",
                            "smtp://a:-1",
                            "smtp://a:+1",
                            "smtp://a:1:2",
                            "smtp://a/",
                            "smtp://a?b",
                            "smtp://a#b",
                            "smtp://u@a",
                            "smtp://u:p@a:1",
                            "smtp://a b",
                            "smtp://[::1",
                            "smtp://[::1]x",
                            "smtp://[a]",
                            "smtp://[]"})
    EXPECT_FALSE(parse_relay_url(wrong)) << wrong;
}

TEST(RelayUrl, OfThisMachine) {
  for (const auto* right : {"localhost", "127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1"})
    EXPECT_TRUE(is_this_machine(right)) << right;
  for (const auto* wrong : {"mail.example.org", "localhost.example.org", "128.0.0.1", "10.0.0.1",
                            "0.0.0.0", "::", "::2", "127.1"})
    EXPECT_FALSE(is_this_machine(wrong)) << wrong;
}

// RFC 5321, 4.5.3.2.6: what was given up earlier may have been taken.
TEST(SmtpClient, WaitsTenMinutesForTheAnswerToAMail) {
  EXPECT_GE(SmtpClient::kAnswerPatience, minutes{10});
  EXPECT_GT(SmtpClient::kPatience, SmtpClient::kAnswerPatience);
}

TEST(Judgement, OfMailByTheStep) {
  const SmtpStep kSteps[] = {SmtpStep::kConnect, SmtpStep::kHello, SmtpStep::kStartTls,
                             SmtpStep::kAuth,    SmtpStep::kMail,  SmtpStep::kRcpt,
                             SmtpStep::kData,    SmtpStep::kBody};
  for (const auto step : kSteps) {
    EXPECT_EQ(Kind::kSent, judge_mail(true, step, 250));
    for (const int reply : {0, 220, 250, 354, 421, 451}) {
      EXPECT_EQ(Kind::kAgain, judge_mail(false, step, reply));
    }
  }
  for (const int reply : {500, 535, 550, 554}) {
    for (const auto step : {SmtpStep::kConnect, SmtpStep::kHello, SmtpStep::kStartTls,
                            SmtpStep::kAuth, SmtpStep::kMail})
      EXPECT_EQ(Kind::kPaused, judge_mail(false, step, reply));
    EXPECT_EQ(Kind::kAddressRefused, judge_mail(false, SmtpStep::kRcpt, reply));
    EXPECT_EQ(Kind::kFailed, judge_mail(false, SmtpStep::kData, reply));
    EXPECT_EQ(Kind::kFailed, judge_mail(false, SmtpStep::kBody, reply));
  }
}

TEST(Judgement, OfWebhooksByTheStatus) {
  for (const long status : {200, 202, 204, 299}) EXPECT_EQ(Kind::kSent, judge_webhook(status));
  for (const long status : {301, 302, 307, 400, 401, 404, 429, 500, 503})
    EXPECT_EQ(Kind::kAgain, judge_webhook(status));
  EXPECT_EQ(Kind::kGone, judge_webhook(410));
}

TEST(PublicAddress, NobodysOwnNetwork) {
  const auto is_public = [](const char* text) {
    sockaddr_storage storage{};
    auto* in = reinterpret_cast<sockaddr_in*>(&storage);
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
      storage.ss_family = AF_INET;
    } else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
      storage.ss_family = AF_INET6;
    }
    return is_public_address(reinterpret_cast<const sockaddr&>(storage));
  };
  for (const auto* text :
       {"8.8.8.8", "1.1.1.1", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.255.255",
        "100.128.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "169.253.255.255",
        "2606:2800:220:1::1", "2a00:1450::1", "2001:4860:4860::8888"})
    EXPECT_TRUE(is_public(text)) << text;
  for (const auto* text : {"0.0.0.0",
                           "10.0.0.1",
                           "100.64.0.1",
                           "127.0.0.1",
                           "127.255.255.255",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.1",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.0.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.1",
                           "203.0.113.1",
                           "224.0.0.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::ffff:8.8.8.8",
                           "64:ff9b::808:808",
                           "fe80::1",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "2001::1",
                           "2001:db8::1",
                           "2002:808:808::1",
                           "3fff::1",
                           "neither"})
    EXPECT_FALSE(is_public(text)) << text;
}

TEST(Mailbox, Addresses) {
  for (const auto* right : {"anna@example.org", "a.b+c@mail.example.org", "анна@пример.рф", "a@b"})
    EXPECT_TRUE(is_mail_address(right)) << right;
  for (const auto* wrong :
       {"", "anna", "@example.org", "anna@", "anna@.org", "anna@example.", "a b@example.org",
        "a@b@example.org", "anna@example.org\r\nRCPT TO:<b@example.org>", "anna@example.org\n",
        "anna@exa\tmple.org", "<anna@example.org>", "anna@example.org,b@example.org",
        "\"a\"@example.org", "anna@[127.0.0.1]", "anna@example.org>", "anna@\x7F.org",
        "\xff@a.org"})
    EXPECT_FALSE(is_mail_address(wrong)) << wrong;
  EXPECT_FALSE(is_mail_address(std::string_view("anna@exam\0ple.org", 17)));
  EXPECT_FALSE(is_mail_address(std::string(65, 'a') + "@example.org"));
  EXPECT_FALSE(is_mail_address("a@" + std::string(300, 'b')));
}

TEST(Mailbox, WithAName) {
  const auto check = [](const char* text, const char* name, const char* address) {
    const auto mailbox = parse_mailbox(text);
    ASSERT_TRUE(mailbox) << text;
    EXPECT_EQ(name, mailbox->name);
    EXPECT_EQ(address, mailbox->address);
  };
  check("billing@example.org", "", "billing@example.org");
  check("<billing@example.org>", "", "billing@example.org");
  check("ООО «Вендор» <billing@example.org>", "ООО «Вендор»", "billing@example.org");
  check("\"Vendor, Ltd\" <billing@example.org>", "Vendor, Ltd", "billing@example.org");
  for (const auto* wrong : {"", "Vendor", "Vendor <>", "Vendor <a@b", "Vendor <a@b> x",
                            "Ven\r\nBcc: c@d <a@b>", "<a@b>, <c@d>", "Vendor <a@b> <c@d>"})
    EXPECT_FALSE(parse_mailbox(wrong)) << wrong;
}

// The lines of a header field, decoded and put together again.
std::string decoded(const std::string& field) {
  constexpr std::string_view kBegin = "=?UTF-8?B?";
  std::string text;
  for (std::size_t at = 0; at < field.size();) {
    const auto begin = field.find(kBegin, at);
    if (begin == std::string::npos) break;
    const auto from = begin + kBegin.size();
    const auto end = field.find("?=", from);
    text += parse_base64(field.substr(from, end - from)).value();
    at = end + 2;
  }
  return text;
}

TEST(HeaderText, ShortAsciiAsItIs) {
  EXPECT_EQ("Your account: 1 990.00", encode_header_text("Your account: 1 990.00", 9));
  EXPECT_EQ("", encode_header_text("", 9));
}

TEST(HeaderText, EncodedWordsSplitBetweenCharacters) {
  std::string long_ascii(10'000, 'a');
  std::string emoji;
  for (int i = 0; i < 500; ++i) emoji += "я😀€a";
  for (const auto& text :
       {std::string("Деньги кончаются"), std::string("=?UTF-8?B?0KE=?="), long_ascii, emoji,
        std::string(" led by a space"), std::string("\"quoted\" я")}) {
    for (const std::size_t column : {std::size_t{0}, std::size_t{9}, std::size_t{70}}) {
      const auto field = encode_header_text(text, column);
      EXPECT_EQ(text, decoded(field));
      std::size_t length = column;
      for (std::size_t at = 0; at <= field.size();) {
        const auto end = std::min(field.find("\r\n", at), field.size());
        EXPECT_LE(length + end - at, 76U);
        const auto word = field.substr(at, end - at);
        if (word.find("=?") != std::string::npos) {
          const auto bytes = decoded(word);
          // No character is cut: neither end is in the middle of one.
          EXPECT_NE(0x80, static_cast<unsigned char>(bytes.front()) & 0xC0U);
        }
        at = end + 2;
        length = 0;
      }
    }
  }
}

TEST(MailMessage, NothingBeginsAHeaderFieldOfItsOwn) {
  const std::string evil = "a\r\nBcc: b@example.org\n\nbody\r" + std::string("\0x", 2);
  const auto message = compose_mail({"Vendor \"x\" \\", "billing@example.org"}, "anna@example.org",
                                    {evil, evil, evil}, "notice-1.email",
                                    parse_instant("2026-11-16T06:00:00Z").value());
  for (const auto& header : message.headers) {
    for (std::size_t at = header.find_first_of("\r\n"); at != std::string::npos;
         at = header.find_first_of("\r\n", at + 3)) {
      EXPECT_EQ("\r\n ", header.substr(at, 3)) << header;
    }
    EXPECT_EQ(std::string::npos, header.find('\0'));
  }
  ASSERT_EQ(6U, message.headers.size());
  EXPECT_EQ("From: \"Vendor \\\"x\\\" \\\\\"\r\n <billing@example.org>", message.headers[0]);
  EXPECT_EQ("To: anna@example.org", message.headers[1]);
  EXPECT_EQ("Date: Mon, 16 Nov 2026 06:00:00 +0000", message.headers[3]);
  EXPECT_EQ("Message-ID: <notice-1.email@example.org>", message.headers[4]);
  EXPECT_EQ("Auto-Submitted: auto-generated", message.headers[5]);
}

TEST(MailMessage, BothFormsOfTheText) {
  const auto message = compose_mail(
      {"", "a@b"}, "c@d", {"1 < 2", "Dear <Anna> & \"Co\",\nline\n\n\nend", "en"}, "x", Instant());
  EXPECT_EQ("Dear <Anna> & \"Co\",\r\nline\r\n\r\n\r\nend\r\n", message.text);
  EXPECT_NE(
      std::string::npos,
      message.html.find("<p>Dear &lt;Anna&gt; &amp; &quot;Co&quot;,<br>\r\nline</p>\r\n<p>end</p>"))
      << message.html;
  EXPECT_NE(std::string::npos, message.html.find("<title>1 &lt; 2</title>"));
  EXPECT_NE(std::string::npos, message.html.find("<html lang=\"en\">"));
}

TEST(MailMessage, AddressesAreLinks) {
  const auto html = [](std::string_view line) {
    const auto message =
        compose_mail({"", "a@b"}, "c@d", {"x", std::string(line), "en"}, "x", Instant());
    const auto begin = message.html.find("<p>") + 3;
    return message.html.substr(begin, message.html.find("</p>") - begin);
  };
  EXPECT_EQ("Pay: <a href=\"https://e.org/?a=1&amp;b=2\">https://e.org/?a=1&amp;b=2</a>",
            html("Pay: https://e.org/?a=1&b=2"));
  EXPECT_EQ("(<a href=\"http://e.org/\">http://e.org/</a>). <a href=\"http://b\">http://b</a>",
            html("(http://e.org/). http://b"));
  EXPECT_EQ("<a href=\"https://e\">https://e</a>&quot; onclick=&quot;x&lt;b&gt;",
            html("https://e\" onclick=\"x<b>"));
  EXPECT_EQ("javascript:x ftp://e.org", html("javascript:x ftp://e.org"));
}

}  // namespace
}  // namespace saldo::server
