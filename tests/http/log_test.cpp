// Puts and entries as they stand in the log: what goes in comes out, and nothing else is taken.
#include <gtest/gtest.h>

#include <filesystem>

#include "hash.h"
#include "log/entry.h"
#include "routes/determinism.h"

namespace saldo::server {
namespace {

Instant at(const char* text) { return parse_instant(text).value(); }

Put example() {
  return {"p1",
          "n0",
          "build 1",
          {7, std::string(64, 'c'), "2026-11-25", "d"},
          1'795'600'000'123,
          {{"e1",
            "request",
            at("2026-11-26T09:00:00Z"),
            at("2026-11-26T09:00:10Z"),
            {{"token", "crm"}, {"body", json_of_bytes("{\"name\": \"Ромашка\"}")}}},
           {"e2", "fence", at("2026-11-26T09:00:00Z"), at("2026-11-26T09:00:10Z"), {}}}};
}

TEST(LogPut, IsOneLineThatEndsWithItsSum) {
  const std::string text = encode(example());
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.substr(0, 22), R"({"v":1,"id":"p1","node)");
  const auto sum = text.rfind(R"(,"sum":")");
  EXPECT_EQ(text.substr(sum + 8), sha256_hex(text.substr(0, sum) + "}") + "\"}");
}

TEST(LogPut, ComesOutAsItWentIn) {
  const auto put = decode(encode(example()));
  ASSERT_TRUE(put);
  EXPECT_EQ(put->id, "p1");
  EXPECT_EQ(put->seen.number, 7);
  EXPECT_EQ(put->seen.day, "2026-11-25");
  EXPECT_EQ(put->clock, 1'795'600'000'123);
  ASSERT_EQ(put->entries.size(), 2U);
  EXPECT_EQ(put->entries[0].kind, "request");
  EXPECT_EQ(put->entries[0].by, at("2026-11-26T09:00:10Z"));
  EXPECT_EQ(put->entries[0].data["token"], "crm");
  EXPECT_EQ(bytes_of_json(put->entries[0].data["body"]), "{\"name\": \"Ромашка\"}");
  EXPECT_EQ(encode(*put), encode(example()));
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(encode(put->entries[i]), encode(example().entries[i]));
}

TEST(LogPut, ChangedInAnyBitIsRefused) {
  const std::string text = encode(example());
  for (std::size_t byte = 0; byte < text.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = text;
      changed[byte] = static_cast<char>(changed[byte] ^ (1 << bit));
      EXPECT_FALSE(decode(changed)) << byte << " " << bit;
    }
  }
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(decode(text.substr(0, length)));
  EXPECT_FALSE(decode(text + " "));
}

// With a sum that is right.
std::string summed(std::string content) {
  const auto sum = sha256_hex(content);
  content.pop_back();
  return content + R"(,"sum":")" + sum + "\"}";
}

TEST(LogPut, OfAnotherVersionOrShapeIsRefused) {
  EXPECT_FALSE(decode(summed("{}")));
  EXPECT_FALSE(decode(summed("[1]")));
  std::string other = encode(example());
  other.erase(other.rfind(R"(,"sum":")"));
  ASSERT_TRUE(decode(summed(other + "}")));
  std::string version = other;
  version.replace(0, 7, R"({"v":2,)");
  EXPECT_FALSE(decode(summed(version + "}")));
  std::string instant = other;
  instant.replace(instant.find("2026-11-26T"), 10, "2026-02-30");
  EXPECT_FALSE(decode(summed(instant + "}")));
}

TEST(LogBytes, AreTextOrBase64) {
  for (const auto& bytes :
       {std::string(), std::string("{\"amount\": 1}"), std::string("\xCF\xF0\xE8"),
        std::string("a\0b", 3), std::string(1000, '\x01'), std::string("\"\\\"\\")}) {
    const auto written = json_of_bytes(bytes);
    EXPECT_EQ(bytes_of_json(nlohmann::ordered_json::parse(written.dump())), bytes);
    EXPECT_LE(written.dump().size(), bytes.size() + bytes.size() / 3 + 20);
  }
  EXPECT_TRUE(json_of_bytes("Ромашка").is_string());
  EXPECT_TRUE(json_of_bytes("\xCF\xF0").is_object());
  EXPECT_FALSE(bytes_of_json(7));
  EXPECT_FALSE(bytes_of_json({{"base64", "%"}}));
}

TEST(LogChain, CoversTheEntryAndItsAnswer) {
  const auto chain = next_chain("c", "e", 201, "b");
  EXPECT_EQ(chain, sha256_hex("c\ne\n201\nb"));
  EXPECT_NE(chain, next_chain("c", "e", 200, "b"));
  EXPECT_NE(chain, next_chain("c", "e", 201, "B"));
  EXPECT_NE(chain, next_chain("c", "E", 201, "b"));
}

TEST(Determinism, OfRowsIsTheirOrder) {
  EXPECT_TRUE(is_unordered("INSERT INTO t SELECT a FROM s"));
  EXPECT_TRUE(is_unordered("WITH c AS (SELECT 1 ORDER BY 1) REPLACE INTO t(a) SELECT a FROM c"));
  EXPECT_TRUE(is_unordered("insert into t select a from (select b from s order by b)"));
  EXPECT_TRUE(is_unordered("INSERT INTO t SELECT 'ORDER BY', a -- ORDER BY\n FROM s"));
  EXPECT_FALSE(is_unordered("INSERT INTO t SELECT a FROM s ORDER BY a"));
  EXPECT_FALSE(is_unordered("INSERT INTO t SELECT 1 WHERE (SELECT count(*) FROM s) = 0"));
  EXPECT_FALSE(is_unordered("INSERT INTO t VALUES ((SELECT max(a) FROM s))"));
  EXPECT_FALSE(is_unordered("SELECT a FROM s"));
  EXPECT_FALSE(is_unordered("UPDATE t SET a = 1 WHERE b IN (SELECT b FROM s)"));
}

TEST(Determinism, OfFunctionsIsTheirArguments) {
  const auto path = std::filesystem::temp_directory_path() / ("saldo-" + random_id());
  {
    Database books(path.string(), Database::Mode::kCreate);
    books.execute("CREATE TABLE t(a)");
    const auto chance = [&](const char* sql) { return chance_in(books, sql); };
    EXPECT_EQ(chance("INSERT INTO t VALUES (random())"), "random()");
    EXPECT_EQ(chance("INSERT INTO t VALUES (hex(RandomBlob(3)))"), "randomblob()");
    EXPECT_NE(chance("INSERT INTO t VALUES (CURRENT_TIMESTAMP)"), "");
    EXPECT_NE(chance("INSERT INTO t VALUES (datetime('NOW', '+1 day'))"), "");
    EXPECT_NE(chance("INSERT INTO t VALUES (unixepoch())"), "");
    EXPECT_NE(chance("UPDATE t SET a = 1 WHERE a < strftime('%s', 'now')"), "");
    EXPECT_EQ(chance("INSERT INTO t VALUES (datetime(?1, 'LocalTime'))"), "'LocalTime'");
    EXPECT_EQ(chance("INSERT INTO t VALUES (datetime(?1, 'utc'))"), "'utc'");
    EXPECT_EQ(chance("INSERT INTO t VALUES (total_changes())"), "total_changes()");
    EXPECT_EQ(chance("INSERT INTO t VALUES ('utc')"), "");
    EXPECT_EQ(chance("INSERT INTO t VALUES (datetime(?1, '+1 day'))"), "");
    EXPECT_EQ(chance("INSERT INTO t VALUES ('now')"), "");
    books.execute("CREATE TRIGGER u AFTER INSERT ON t BEGIN UPDATE t SET a = random(); END");
    EXPECT_EQ(chance("INSERT INTO t VALUES (1)"), "random()");
  }
  std::filesystem::remove(path);
}

TEST(LogId, IsAnotherEachTime) {
  EXPECT_EQ(random_id().size(), 32U);
  EXPECT_NE(random_id(), random_id());
}

}  // namespace
}  // namespace saldo::server
