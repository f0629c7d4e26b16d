// An e-mail as it is sent: the header fields of RFC 5322, encoded by RFC 2047, and the two forms of
// its text. What a company or a template puts in cannot begin a header field of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/time.h"

namespace saldo::server {

struct Mailbox {
  std::string name;  // may be empty
  std::string address;

  // What is behind the @.
  [[nodiscard]] std::string_view domain() const;
};

// Whether it is one address, local@domain, that can be written into a header field and into the
// commands of SMTP as it is: without spaces, quotes, brackets, commas and control characters, of at
// most 254 bytes.
bool is_mail_address(std::string_view text);

// `billing@example.org`, or `Name <billing@example.org>`; nullopt for what is neither.
std::optional<Mailbox> parse_mailbox(std::string_view text);

struct MailAttachment {
  std::string name;  // of ASCII
  std::string media_type;
  std::string bytes;
};

struct MailMessage {
  std::vector<std::string> headers;  // `Name: value`, folded by CR LF and a space, in their order
  std::string text;                  // lines end with CR LF
  std::string html;
  std::optional<MailAttachment> attachment;
};

// What a message says; `language` is a tag of RFC 5646, such as ru.
struct MailText {
  std::string subject;
  std::string body;
  std::string language;
};

// `to` is an address. `id` is what stands before the @ of the Message-ID.
MailMessage compose_mail(const Mailbox& from, std::string_view to, const MailText& text,
                         std::string_view id, Instant date);

// For a header field: as it is where it is short and of ASCII, else in encoded words of at most 75
// characters, split between the characters of `text`. A control character becomes a space.
// `column` is how long the line is already.
std::string encode_header_text(std::string_view text, std::size_t column);

}  // namespace saldo::server
