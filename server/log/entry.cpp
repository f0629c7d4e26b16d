#include "log/entry.h"

#include <openssl/rand.h>

#include <array>
#include <stdexcept>

#include "codecs/base64.h"
#include "hash.h"
#include "rules/text.h"

namespace saldo::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSumBegins = R"(,"sum":")";
constexpr std::string_view kSumEnds = "\"}";
constexpr std::size_t kSumLength = 64;

Json json_of(const Entry& entry) {
  Json json = {{"id", entry.id},
               {"kind", entry.kind},
               {"at", format_instant(entry.at)},
               {"by", format_instant(entry.by)}};
  if (!entry.data.empty()) json.update(entry.data);
  return json;
}

std::string text_member(const Json& json, const char* name) {
  return json.at(name).get<std::string>();
}

Instant instant_member(const Json& json, const char* name) {
  const auto instant = parse_instant(text_member(json, name));
  if (!instant) throw std::invalid_argument(name);
  return *instant;
}

Entry entry_of(const Json& json) {
  Entry entry{text_member(json, "id"), text_member(json, "kind"), instant_member(json, "at"),
              instant_member(json, "by"), json};
  for (const auto* name : {"id", "kind", "at", "by"}) entry.data.erase(name);
  return entry;
}

}  // namespace

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("the system has no randomness to give");
  return hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string encode(const Entry& entry) { return json_of(entry).dump(); }

std::string encode(const Put& put) {
  Json json = {{"v", Put::kVersion},
               {"id", put.id},
               {"node", put.node},
               {"build", put.build},
               {"seen",
                {{"number", put.seen.number},
                 {"chain", put.seen.chain},
                 {"day", put.seen.day},
                 {"digest", put.seen.digest}}},
               {"clock", put.clock},
               {"entries", Json::array()}};
  for (const Entry& entry : put.entries) json["entries"].push_back(json_of(entry));
  std::string text = json.dump();
  const std::string sum = sha256_hex(text);
  text.pop_back();
  return text.append(kSumBegins).append(sum).append(kSumEnds);
}

std::optional<Put> decode(std::string_view text) {
  const std::size_t tail = kSumBegins.size() + kSumLength + kSumEnds.size();
  if (text.size() <= tail) return std::nullopt;
  const auto content = text.substr(0, text.size() - tail);
  const auto sum = text.substr(content.size() + kSumBegins.size(), kSumLength);
  if (text.substr(content.size(), kSumBegins.size()) != kSumBegins ||
      text.substr(text.size() - kSumEnds.size()) != kSumEnds ||
      sha256_hex(std::string(content) + "}") != sum)
    return std::nullopt;
  try {
    const auto json = Json::parse(text);
    if (json.at("v") != Put::kVersion) return std::nullopt;
    const Json& seen = json.at("seen");
    Put put{text_member(json, "id"),
            text_member(json, "node"),
            text_member(json, "build"),
            {seen.at("number").get<std::int64_t>(), text_member(seen, "chain"),
             text_member(seen, "day"), text_member(seen, "digest")},
            json.at("clock").get<std::int64_t>(),
            {}};
    for (const Json& entry : json.at("entries")) put.entries.push_back(entry_of(entry));
    return put;
  } catch (const Json::exception&) {
    return std::nullopt;
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

Json json_of_bytes(std::string_view bytes) {
  if (is_utf8(bytes)) {
    Json text = bytes;
    if (text.dump().size() <= bytes.size() + bytes.size() / 3 + 2) return text;
  }
  std::string base64;
  append_base64(base64, bytes);
  return {{"base64", base64}};
}

std::optional<std::string> bytes_of_json(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  const auto base64 = json.is_object() ? json.find("base64") : json.end();
  if (!json.is_object() || base64 == json.end() || !base64->is_string()) return std::nullopt;
  return parse_base64(base64->get<std::string>());
}

std::string next_chain(std::string_view chain, std::string_view entry, int status,
                       std::string_view body) {
  Sha256 sum;
  sum.add(chain);
  sum.add("\n");
  sum.add(entry);
  sum.add("\n" + std::to_string(status) + "\n");
  sum.add(body);
  return sum.finish();
}

}  // namespace saldo::server
