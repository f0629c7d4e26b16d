#include "delivery/mail_message.h"

#include <algorithm>

#include "codecs/base64.h"
#include "rules/text.h"

namespace saldo::server {
namespace {

constexpr std::size_t kAddressBytesMax = 254;  // RFC 5321, 4.5.3.1.3, without the brackets
constexpr std::size_t kLocalPartBytesMax = 64;
constexpr std::size_t kLineMax = 76;  // RFC 2047, 2

// How many bytes the character has that begins with `first`; `text` is UTF-8.
std::size_t bytes_of(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

// A display name (RFC 5322, 3.2.5): quoted, where it has characters of another meaning.
std::string encode_name(std::string_view name, std::size_t column) {
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
           c == '-';
  });
  constexpr std::string_view kEncoded = "=?";
  std::string encoded = encode_header_text(name, column);
  if (is_plain || encoded.substr(0, kEncoded.size()) == kEncoded) return encoded;
  std::string quoted = "\"";
  for (const char c : encoded) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string address_field(std::string_view field, const Mailbox& mailbox) {
  std::string line(field);
  if (mailbox.name.empty()) return line.append(mailbox.address);
  line += encode_name(mailbox.name, line.size());
  return line.append("\r\n <").append(mailbox.address).append(">");
}

// RFC 5322, 3.3.
std::string date_of(Instant instant) { return date::format("%a, %d %b %Y %T +0000", instant); }

// Lines that end with CR LF, whatever they ended with.
std::string with_mail_lines(std::string_view text) {
  std::string lines;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      if (i + 1 < text.size() && text[i + 1] == '\n') continue;
      lines += "\r\n";
    } else if (text[i] == '\n') {
      lines += "\r\n";
    } else {
      lines += text[i];
    }
  }
  return lines + "\r\n";
}

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

// Escaped, and what begins with https:// or http:// is a link, up to a space, a quote or a bracket
// and without the punctuation at its end.
std::string with_links(std::string_view line) {
  std::string html;
  while (!line.empty()) {
    const auto begin = std::min({line.find("https://"), line.find("http://"), line.size()});
    html += escaped(line.substr(0, begin));
    line.remove_prefix(begin);
    auto url = line.substr(0, line.find_first_of(" \t\"<>"));
    url = url.substr(0, url.find_last_not_of(".,;:!?)") + 1);
    if (!url.empty()) html += "<a href=\"" + escaped(url) + "\">" + escaped(url) + "</a>";
    line.remove_prefix(url.size());
  }
  return html;
}

// Paragraphs where there are empty lines, else line breaks.
std::string html_of(std::string_view lines, std::string_view subject, std::string_view language) {
  std::string html = "<!DOCTYPE html>\r\n<html lang=\"" + escaped(language) + "\"><head>";
  html += "<meta charset=\"utf-8\"><title>" + escaped(subject) + "</title></head>\r\n<body>\r\n<p>";
  const char* between = "";
  for (auto rest = lines; !rest.empty();) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    if (line.empty()) {
      between = "</p>\r\n<p>";
    } else {
      html += between + with_links(line);
      between = "<br>\r\n";
    }
  }
  return html + "</p>\r\n</body></html>\r\n";
}

}  // namespace

std::string_view Mailbox::domain() const {
  return std::string_view(address).substr(address.find('@') + 1);
}

bool is_mail_address(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > kLocalPartBytesMax) return false;
  const auto domain = text.substr(at + 1);
  constexpr std::string_view kOfOtherMeaning = " ()<>[]:;@\\,\"";
  return !domain.empty() && domain.front() != '.' && domain.back() != '.' &&
         text.size() <= kAddressBytesMax && is_utf8(text) &&
         std::none_of(text.begin(), text.end(), is_control) &&
         text.substr(0, at).find_first_of(kOfOtherMeaning) == std::string_view::npos &&
         domain.find_first_of(kOfOtherMeaning) == std::string_view::npos;
}

std::optional<Mailbox> parse_mailbox(std::string_view text) {
  if (is_mail_address(text)) return Mailbox{"", std::string(text)};
  const auto open = text.rfind('<');
  if (open == std::string_view::npos || text.back() != '>') return std::nullopt;
  const auto address = text.substr(open + 1, text.size() - open - 2);
  auto name = text.substr(0, open);
  while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  if (name.size() > 1 && name.front() == '"' && name.back() == '"')
    name = name.substr(1, name.size() - 2);
  if (!is_mail_address(address) || !is_utf8(name) ||
      name.find_first_of("<>") != std::string_view::npos ||
      std::any_of(name.begin(), name.end(), is_control))
    return std::nullopt;
  return Mailbox{std::string(name), std::string(address)};
}

std::string encode_header_text(std::string_view text, std::size_t column) {
  std::string clean(text);
  std::replace_if(clean.begin(), clean.end(), is_control, ' ');
  const bool is_ascii = std::all_of(clean.begin(), clean.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  const bool is_trimmed = clean.empty() || (clean.front() != ' ' && clean.back() != ' ');
  if (is_ascii && is_trimmed && column + clean.size() <= kLineMax &&
      clean.find("=?") == std::string::npos) {
    return clean;
  }
  constexpr std::string_view kBegin = "=?UTF-8?B?";
  constexpr std::string_view kEnd = "?=";
  std::string encoded;
  for (std::size_t at = 0; at < clean.size();) {
    const std::size_t used = (encoded.empty() ? column : 1) + kBegin.size() + kEnd.size();
    const std::size_t room = used < kLineMax ? (kLineMax - used) / 4 * 3 : 0;  // bytes, in base64
    std::size_t end = at;
    while (end < clean.size() && end + bytes_of(clean[end]) - at <= room)
      end += bytes_of(clean[end]);
    if (end == at) {  // no room left on the first line
      encoded += "\r\n ";
      column = 1;
      continue;
    }
    if (at > 0) encoded += "\r\n ";
    encoded += kBegin;
    append_base64(encoded, std::string_view(clean).substr(at, end - at));
    encoded += kEnd;
    at = end;
  }
  return encoded;
}

MailMessage compose_mail(const Mailbox& from, std::string_view to, const MailText& text,
                         std::string_view id, Instant date) {
  constexpr std::string_view kSubject = "Subject: ";
  MailMessage message;
  message.headers = {
      address_field("From: ", from),
      address_field("To: ", {"", std::string(to)}),
      std::string(kSubject) + encode_header_text(text.subject, kSubject.size()),
      "Date: " + date_of(date),
      std::string("Message-ID: <").append(id).append("@").append(from.domain()).append(">"),
      "Auto-Submitted: auto-generated",
  };
  message.text = with_mail_lines(text.body);
  message.html = html_of(message.text, text.subject, text.language);
  return message;
}

}  // namespace saldo::server
