#include "delivery/attempt.h"

#include "codecs/json.h"
#include "delivery/statements.h"

namespace saldo::server {
namespace {

using Json = nlohmann::ordered_json;

std::string text_in(const Json& data, const char* name) { return data.value(name, ""); }

// Null stays null.
NamedValue optional_text(const char* parameter, const Json& data, const char* name) {
  const auto found = data.find(name);
  if (found == data.end() || !found->is_string()) return {parameter, std::monostate()};
  return {parameter, std::string_view(found->get_ref<const std::string&>())};
}

}  // namespace

Applied take_delivery(Database& database, const Entry& entry, Instant now) {
  const auto channel = text_in(entry.data, "channel");
  const std::string now_text = format_instant(now);
  const std::string lease =
      format_instant(now + seconds{entry.data.value("lease", std::int64_t{0})});
  auto row =
      channel == kEmailChannel
          ? delivery_statement(database, "take_email",
                               {{":now", now_text},
                                {":lease_until", lease},
                                {":test_clock", entry.data.value("test_clock", std::int64_t{0})},
                                {":capture", entry.data.value("capture", std::int64_t{0})},
                                optional_text(":redirect", entry.data, "redirect")})
          : delivery_statement(
                database, "take_webhook",
                {{":channel", channel}, {":now", now_text}, {":lease_until", lease}});
  if (!row.step()) return {Applied::kNothingToDo, "", {}};
  const auto attempt = std::make_shared<Attempt>(
      Attempt{channel, row.integer(0), row.integer(1), std::string(row.text(2)), row.integer(3),
              parse_instant(row.text(4)).value_or(now), std::string(row.text(5)),
              std::string(row.text(6)), std::string(row.text(7)), std::string(row.text(8))});
  std::string told;
  append_json_array(told, row, {json_column(0, ""), json_column(2, ""), json_column(3, "")},
                    1 << 20);
  return {Applied::kDone, std::move(told), attempt};
}

Applied settle_delivery(Database& database, const Entry& entry, Instant now) {
  const Json& data = entry.data;
  const auto channel = text_in(data, "channel");
  const auto status = text_in(data, "status");
  const auto detail = text_in(data, "detail");
  const std::string now_text = format_instant(now);
  const auto flag = [&](const char* name) { return data.value(name, std::int64_t{0}); };
  delivery_statement(database, "settle",
                     {{":delivery_id", flag("delivery_id")},
                      {":attempts", flag("attempts")},
                      {":status", status},
                      optional_text(":next_at", data, "next_at"),
                      {":detail", detail},
                      {":now", now_text},
                      {":given_back", flag("given_back")}})
      .step();
  if (const auto address = text_in(data, "suspend"); !address.empty()) {
    delivery_statement(database, "suspend",
                       {{":recipient", address}, {":now", now_text}, {":detail", detail}})
        .step();
  }
  if (channel != kEmailChannel) {
    delivery_statement(database, "settle_webhook",
                       {{":channel", channel},
                        {":now", now_text},
                        {":success", flag("success")},
                        {":gone", flag("gone")},
                        {":detail", detail}})
        .step();
  }
  return {Applied::kDone, "", {}};
}

}  // namespace saldo::server
