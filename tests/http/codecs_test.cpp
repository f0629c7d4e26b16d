// The server's codecs and content negotiation: bytes to values, rows to bytes.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "codecs/base64.h"
#include "codecs/charset.h"
#include "codecs/csv.h"
#include "codecs/form.h"
#include "codecs/json.h"
#include "payments/network.h"
#include "routes/accept.h"
#include "routes/problem.h"
#include "sqlite/connection.h"

namespace saldo::server {
namespace {

// The first column of a query's first row, by one of the codecs.
template <typename Append>
std::string column(const std::string& expression, Append append) {
  Connection connection(":memory:", SQLITE_OPEN_READWRITE);
  auto row = connection.compile_once("SELECT " + expression);
  row.step();
  std::string text;
  append(text, row, 0);
  return text;
}

template <typename Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return std::string(error_code_name(error.code()));
  }
  return "";
}

TEST(Base64, Rfc4648) {
  const std::pair<std::string_view, std::string_view> kVectors[] = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"},
                                                                    {"\xfb\xff", "+/8="}};
  for (const auto& [bytes, expected] : kVectors) {
    std::string text;
    append_base64(text, bytes);
    EXPECT_EQ(expected, text);
  }
}

TEST(Csv, QuotesAndFormulas) {
  const std::pair<std::string_view, std::string_view> kCells[] = {{"", ""},
                                                                  {"a", "a"},
                                                                  {"a,b", "\"a,b\""},
                                                                  {"a\"b", "\"a\"\"b\""},
                                                                  {"a\nb", "\"a\nb\""},
                                                                  {"=1+1", "'=1+1"},
                                                                  {"+7", "'+7"},
                                                                  {"-5", "'-5"},
                                                                  {"@a", "'@a"},
                                                                  {"\ta", "'\ta"},
                                                                  {"\ra", "\"'\ra\""},
                                                                  {"=\"a\"", "\"'=\"\"a\"\"\""},
                                                                  {"5-5", "5-5"},
                                                                  {" =1", " =1"},
                                                                  {"'=1", "'=1"}};
  for (const auto& [cell, expected] : kCells) {
    std::string csv;
    append_csv(csv, cell);
    EXPECT_EQ(expected, csv);
  }
}

TEST(Csv, Columns) {
  const auto csv = [](const char* expression) { return column(expression, append_csv_column); };
  EXPECT_EQ("-5", csv("-5"));
  EXPECT_EQ("-1.5", csv("-1.5"));
  EXPECT_EQ("'-5", csv("'-5'"));
  EXPECT_EQ("", csv("NULL"));
  EXPECT_EQ("+/8=", csv("x'fbff'"));
  EXPECT_EQ("\xEF\xBF\xBD", csv("CAST(x'ff' AS TEXT)"));
}

TEST(Json, Columns) {
  const auto json = [](const char* expression) { return column(expression, append_json_column); };
  EXPECT_EQ("-9223372036854775808", json("-9223372036854775808"));
  EXPECT_EQ("0.1", json("0.1"));
  EXPECT_EQ("null", json("9e999"));
  EXPECT_EQ("null", json("NULL"));
  EXPECT_EQ("\"=1\"", json("'=1'"));
  EXPECT_EQ("\"AP8=\"", json("x'00ff'"));
  EXPECT_EQ("\"a\\u0000b\"", json("'a' || char(0) || 'b'"));
  EXPECT_EQ("\"\xEF\xBF\xBD\"", json("CAST(x'ff' AS TEXT)"));
}

TEST(Csv, Rows) {
  Connection connection(":memory:", SQLITE_OPEN_READWRITE);
  auto row = connection.compile_once("SELECT 1, 2, 'x,y'");
  row.step();
  const std::vector<Column> columns = {json_column(0, "a"), json_column(2, "=b")};
  std::string text;
  append_csv_header(text, columns);
  append_csv_row(text, row, columns);
  EXPECT_EQ("a,'=b\r\n1,\"x,y\"\r\n", text);
  EXPECT_EQ("out_of_range", error_of([&] { append_csv_row(text, row, columns, 0); }));
}

TEST(Json, Rows) {
  Connection connection(":memory:", SQLITE_OPEN_READWRITE);
  auto row = connection.compile_once("SELECT 1, 2, 'x'");
  row.step();
  std::string text;
  const std::vector<Column> columns = {json_column(0, "a"), json_column(2, "b\"")};
  append_json_names(text, columns);
  append_json_object(text, row, columns);
  append_json_object(text, row, {});
  append_json_array(text, row, columns, kUnlimitedBytes);
  EXPECT_EQ("[\"a\",\"b\\\"\"]{\"a\":1,\"b\\\"\":\"x\"}{}[1,\"x\"]", text);
  EXPECT_EQ("out_of_range", error_of([&] { append_json_array(text, row, columns, 0); }));
}

TEST(Json, Bodies) {
  EXPECT_EQ(7, parse_json(R"({"a": [7, {"b": null}]})")["a"][0]);
  EXPECT_EQ("malformed", error_of([] { parse_json(R"({"a": 1, "a": 1})"); }));
  EXPECT_EQ("malformed", error_of([] { parse_json(R"([{"a": 1, "\u0061": 1}])"); }));
  EXPECT_EQ("", error_of([] { parse_json(R"([{"a": 1}, {"a": {"a": 1}}])"); }));
  EXPECT_EQ("malformed", error_of([] { parse_json("{"); }));
  EXPECT_EQ("malformed", error_of([] { parse_json("{} {}"); }));
  EXPECT_EQ("malformed", error_of([] { parse_json(std::string_view("[1]\0", 4)); }));
  EXPECT_EQ("malformed", error_of([] { parse_json("\"\xff\""); }));
  EXPECT_EQ("malformed", error_of([] { parse_json(std::string(33, '[') + std::string(33, ']')); }));
  EXPECT_EQ("", error_of([] { parse_json(std::string(32, '[') + std::string(32, ']')); }));
  EXPECT_EQ("invalid", error_of([] { parse_json("1e400"); }));
}

TEST(Json, IntegersThat64BitsCannotHold) {
  for (const char* text :
       {"18446744073709551616", "-9223372036854775809", "1000000000000000000000000"})
    EXPECT_TRUE(parse_json(text).is_discarded()) << text;
  for (const char* text : {"18446744073709551615", "-9223372036854775808", "1e30", "1.0"})
    EXPECT_TRUE(parse_json(text).is_number()) << text;
}

TEST(Form, Fields) {
  const Fields expected = {{"a", "1"}, {"a", "x y"}, {"b", ""},
                           {"", "c"},  {"d", "e=f"}, {"\xD0\x81", "&"}};
  EXPECT_EQ(expected, parse_form("a=1&a=x+y&&b&=c&d=e=f&%D0%81=%26"));
  EXPECT_EQ("a+b", percent_decoded("a+b", false));
  for (const char* text : {"%", "%1", "%zz", "a=%4", "%ff", "%00", "a%00=1"})
    EXPECT_EQ("malformed", error_of([&] { parse_form(text); })) << text;
  std::string encoded;
  append_percent_encoded(encoded, "a b&=%\xD0\x81~");
  EXPECT_EQ("a%20b%26%3D%25%D0%81~", encoded);
  EXPECT_EQ("a b&=%\xD0\x81~", percent_decoded(encoded, true));
}

TEST(Accept, WeightsAndSpecificity) {
  const std::vector<Format> offered = {Format::kJson, Format::kCsv, Format::kXml};
  const std::pair<std::string_view, std::optional<Format>> kCases[] = {
      {"", Format::kJson},
      {"*/*", Format::kJson},
      {"text/*", Format::kCsv},
      {"application/xml", Format::kXml},
      {"APPLICATION/XML", Format::kXml},
      {"text/csv;q=0.5, application/xml;q=0.7", Format::kXml},
      {"*/*;q=0.1, text/csv;q=0.2", Format::kCsv},
      {"application/json;q=0, application/*;q=0.5, text/*;q=0.4", Format::kXml},
      {"application/*;q=0.2, application/json;q=0.1, text/csv;q=0.1", Format::kXml},
      {"text/csv;charset=\"utf-8\";q=0.9, */*;q=0.8", Format::kCsv},
      {"text/csv;charset=koi8-r, */*;q=0.1", Format::kJson},
      {"text/csv;q=0.1;x=1, text/csv;q=0.2", Format::kCsv},
      {"text/html", std::nullopt},
      {"*/*;q=0", std::nullopt},
      {"application/json;q=0.0001", std::nullopt},
      {"application/json;q=1.001", std::nullopt},
      {"application/json;q=", std::nullopt},
      {"json", std::nullopt},
      {"application", std::nullopt},
      {"application/", std::nullopt},
  };
  for (const auto& [accept, expected] : kCases)
    EXPECT_EQ(expected, negotiate(accept, offered)) << accept;
}

TEST(Accept, ContentType) {
  EXPECT_TRUE(is_media_type_of("Application/JSON; Charset=UTF-8", Format::kJson));
  EXPECT_FALSE(is_media_type_of("application/json; charset=koi8-r", Format::kJson));
  EXPECT_TRUE(is_media_type_of("text/plain; charset=koi8-r", Format::kText));
  EXPECT_FALSE(is_media_type_of("application/jsonx", Format::kJson));
  EXPECT_FALSE(is_media_type_of("*/*", Format::kJson));
}

TEST(Problem, StatusesOfTheContract) {
  const std::pair<ErrorCode, int> kStatuses[] = {
      {ErrorCode::kInvalid, 422},        {ErrorCode::kOutOfRange, 422},
      {ErrorCode::kNotFound, 404},       {ErrorCode::kConflict, 409},
      {ErrorCode::kDayClosed, 409},      {ErrorCode::kDayNotEnded, 409},
      {ErrorCode::kPromiseRefused, 409}, {ErrorCode::kAppendOnly, 409},
      {ErrorCode::kMalformed, 400},      {ErrorCode::kUnauthorized, 401},
      {ErrorCode::kForbidden, 403},      {ErrorCode::kMethodNotAllowed, 405},
      {ErrorCode::kNotAcceptable, 406},  {ErrorCode::kTooLarge, 413},
      {ErrorCode::kUriTooLong, 414},     {ErrorCode::kUnsupportedMediaType, 415},
      {ErrorCode::kInternal, 500},       {ErrorCode::kFailing, 503},
      {ErrorCode::kOverloaded, 503},     {ErrorCode::kTimedOut, 503}};
  EXPECT_EQ(std::size(kStatuses), all_error_codes().size());
  for (const auto& [code, status] : kStatuses) EXPECT_EQ(status, status_of(code));
}

}  // namespace
TEST(Form, WhatCannotBeReadIsNullInReadFields) {
  std::string_view text = "a=1&&b=+2%2B&c&%=x&d=%ff&%00=e&f=%zz&=g";
  const std::vector<std::pair<std::optional<std::string>, std::optional<std::string>>> expected = {
      {"a", "1"},          {"b", " 2+"},        {"c", ""},           {std::nullopt, "x"},
      {"d", std::nullopt}, {std::nullopt, "e"}, {"f", std::nullopt}, {"", "g"}};
  for (const auto& [name, value] : expected) {
    const auto field = next_field(text);
    ASSERT_TRUE(field);
    EXPECT_EQ(name, field->name);
    EXPECT_EQ(value, field->value);
  }
  EXPECT_FALSE(next_field(text));
}

// Against the table that the standard gives for the bytes from 0x80 on.
TEST(Charset, Windows1251) {
  EXPECT_EQ("\xCF\xF0\xE8\xE2\xE5\xF2 \xA8\xB8\xFF \xB9 5\x88",
            to_windows_1251("Привет Ёёя № 5€", false));
  EXPECT_EQ("a?b", to_windows_1251("a√b", false));
  EXPECT_EQ("a&#8730;b&#128169;", to_windows_1251("a√b💩", true));
  EXPECT_EQ("?", to_windows_1251("\xFF", false));
  EXPECT_EQ("", to_windows_1251("", true));
}

TEST(Network, Contains) {
  const auto holds = [](std::string_view network, std::string_view address) {
    return parse_network(network).value().contains(parse_address(address).value());
  };
  EXPECT_TRUE(holds("192.0.2.0/24", "192.0.2.255"));
  EXPECT_TRUE(holds("192.0.2.0/25", "192.0.2.127"));
  EXPECT_FALSE(holds("192.0.2.0/25", "192.0.2.128"));
  EXPECT_TRUE(holds("192.0.2.7", "::ffff:192.0.2.7"));
  EXPECT_FALSE(holds("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(holds("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(holds("::/0", "8.8.8.8"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  for (const auto* wrong : {"", "x", "/8", "10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/",
                            "10.0.0.0/8x", "10.0.0.0/-1", "1.2.3", "::1%lo", "[::1]"}) {
    EXPECT_FALSE(parse_network(wrong)) << wrong;
  }
}

TEST(Network, WhoseARequestIs) {
  const std::vector<Network> trusted = {parse_network("127.0.0.1").value(),
                                        parse_network("10.0.0.0/8").value()};
  const auto client = [&](std::string_view peer, std::string_view forwarded) {
    return client_address(peer, forwarded, trusted);
  };
  EXPECT_EQ(parse_address("192.0.2.1"), client("192.0.2.1", "8.8.8.8"));
  EXPECT_EQ(parse_address("8.8.8.8"), client("127.0.0.1", "8.8.8.8"));
  EXPECT_EQ(parse_address("8.8.8.8"), client("127.0.0.1", "1.1.1.1,\t8.8.8.8 , 10.2.3.4"));
  EXPECT_EQ(parse_address("10.2.3.4"), client("127.0.0.1", "10.2.3.4"));
  EXPECT_EQ(parse_address("127.0.0.1"), client("127.0.0.1", ""));
  EXPECT_EQ(std::nullopt, client("127.0.0.1", "8.8.8.8, unknown"));
  EXPECT_EQ(std::nullopt, client("", ""));
}

}  // namespace saldo::server
