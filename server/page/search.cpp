#include "page/search.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "page/sessions.h"
#include "store/private_file.h"

namespace saldo::server {
namespace {

// Of two bytes in UTF-8: U+0080 to U+07FF.
std::uint32_t lower(std::uint32_t letter) {
  const auto within = [&](std::uint32_t first, std::uint32_t last) {
    return letter >= first && letter <= last;
  };
  constexpr std::uint32_t kCase = 0x20;
  if (within(0xC0, 0xDE) && letter != 0xD7) return letter + kCase;  // À to Þ
  if (within(0x391, 0x3A9)) return letter + kCase;                  // Α to Ω
  if (letter == 0x401 || letter == 0x451) return 0x435;             // Ё and ё are е
  if (within(0x400, 0x40F)) return letter + 0x50;                   // Ѐ to Џ
  if (within(0x410, 0x42F)) return letter + kCase;                  // А to Я
  if (within(0x460, 0x481) || within(0x48A, 0x4BF) || within(0x4D0, 0x52F)) return letter | 1U;
  if (within(0x531, 0x556)) return letter + 0x30;  // Armenian
  return letter;
}

constexpr std::size_t kTrigram = 3;

bool begins_letter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

// Whole letters up to `count` of them.
std::string_view first_letters(std::string_view text, std::size_t count) {
  std::size_t letters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (begins_letter(text[i]) && letters++ == count) return text.substr(0, i);
  }
  return text;
}

std::size_t count_letters(std::string_view text) {
  std::size_t letters = 0;
  for (const char byte : text) letters += begins_letter(byte) ? 1 : 0;
  return letters;
}

// One letter and two that words begin with.
std::set<std::string> beginnings(std::string_view words) {
  constexpr std::string_view kBetween = " \n\t\"'-.,()/";
  std::set<std::string> found;
  while (!words.empty()) {
    constexpr std::string_view kQuotes[] = {"«", "»", "„", "“", "”"};
    bool quoted = false;
    for (const auto quote : kQuotes) {
      if (words.substr(0, quote.size()) != quote) continue;
      words.remove_prefix(quote.size());
      quoted = true;
    }
    if (quoted) continue;
    const auto word = words.substr(0, words.find_first_of(kBetween));
    if (!word.empty()) {
      found.emplace(first_letters(word, 1));
      found.emplace(first_letters(word, 2));
    }
    words.remove_prefix(std::min(word.size() + 1, words.size()));
  }
  return found;
}

constexpr const char* kWordsOfAccount =
    "coalesce(a.name, '') || char(10) || coalesce(a.legal_name, '') || char(10) ||"
    " coalesce(a.tax_id, '') || char(10) || coalesce(a.external_id, '') || char(10) ||"
    " coalesce(a.contract, '')";

constexpr const char* kWordTables =
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, tokenize = 'trigram');"
    "CREATE TABLE IF NOT EXISTS beginning(letters TEXT NOT NULL, account_id INTEGER NOT NULL,"
    " PRIMARY KEY (letters, account_id)) WITHOUT ROWID;";

constexpr int kWaitMilliseconds = 5'000;
constexpr int kStepsBetweenSearchChecks = 1'000;
constexpr std::chrono::seconds kSearchPatience{5};

}  // namespace

SearchIndex::SearchIndex(const std::string& path)
    : writer_(private_file(path), SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX),
      reader_(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX) {
  for (const auto* connection : {&writer_, &reader_})
    sqlite3_busy_timeout(connection->handle(), kWaitMilliseconds);
  writer_.prepare("PRAGMA journal_mode = WAL").step();
  // What is written here is taken out of the queue of the books, which are as safe.
  writer_.prepare("PRAGMA synchronous = FULL").step();
  writer_.execute(kWordTables);
  writer_.execute("CREATE TABLE IF NOT EXISTS made(up_to INTEGER)");
  writer_.execute("INSERT INTO made SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM made)");
  writer_.execute("CREATE TABLE IF NOT EXISTS mark(mark TEXT NOT NULL)");
  sqlite3_progress_handler(
      reader_.handle(), kStepsBetweenSearchChecks,
      [](void* index) {
        const auto* const self = static_cast<const SearchIndex*>(index);
        return std::chrono::steady_clock::now() >= self->deadline_ ? 1 : 0;
      },
      this);
}

std::string SearchIndex::mark() {
  auto row = writer_.prepare("SELECT mark FROM mark");
  return row.step() ? std::string(row.text(0)) : std::string();
}

void SearchIndex::begin_anew(const std::string& mark) {
  write([&] {
    writer_.execute(std::string("DROP TABLE words; DROP TABLE beginning;") + kWordTables +
                    "UPDATE made SET up_to = 0; DELETE FROM mark");
    writer_.prepare("INSERT INTO mark VALUES (?1)").bind_static(1, mark).step();
  });
}

std::vector<std::int64_t> SearchIndex::find(std::string_view text, std::int64_t after,
                                            std::size_t count) {
  std::vector<std::int64_t> found;
  const std::string wanted = folded(text);
  if (wanted.empty()) return found;
  const std::lock_guard lock(reading_);
  deadline_ = std::chrono::steady_clock::now() + kSearchPatience;
  const bool is_short = count_letters(wanted) < kTrigram;
  std::string phrase = wanted;
  if (!is_short) {
    phrase = "\"";
    for (const char c : wanted) phrase.append(c == '"' ? 2 : 1, c);
    phrase += '"';
  }
  auto row = reader_.prepare(
      is_short ? "SELECT account_id FROM beginning WHERE letters = ?1 AND account_id > ?2"
                 " ORDER BY account_id LIMIT ?3"
               : "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid > ?2"
                 " ORDER BY rowid LIMIT ?3");
  row.bind(1, std::string_view(phrase)).bind(2, after).bind(3, static_cast<std::int64_t>(count));
  while (row.step()) found.push_back(row.integer(0));
  return found;
}

// In a transaction of the index's own, all of it or nothing.
void SearchIndex::write(const std::function<void()>& work) {
  writer_.prepare("BEGIN IMMEDIATE").step();
  try {
    work();
    writer_.prepare("COMMIT").step();
  } catch (...) {
    if (writer_.in_transaction()) writer_.prepare("ROLLBACK").step();
    throw;
  }
}

void SearchIndex::replace(const Entry& entry) {
  std::string before;
  {
    auto row = writer_.prepare("SELECT text FROM words WHERE rowid = ?1");
    row.bind(1, entry.account_id);
    if (row.step()) before = row.text(0);
  }
  const std::string words = folded(entry.words);
  if (words == before) return;
  for (const auto& letters : beginnings(before)) {
    writer_.prepare("DELETE FROM beginning WHERE letters = ?1 AND account_id = ?2")
        .bind(1, std::string_view(letters))
        .bind(2, entry.account_id)
        .step();
  }
  if (!before.empty())
    writer_.prepare("DELETE FROM words WHERE rowid = ?1").bind(1, entry.account_id).step();
  if (words.empty()) return;
  writer_.prepare("INSERT INTO words(rowid, text) VALUES (?1, ?2)")
      .bind(1, entry.account_id)
      .bind(2, std::string_view(words))
      .step();
  for (const auto& letters : beginnings(words)) {
    writer_.prepare("INSERT OR IGNORE INTO beginning VALUES (?1, ?2)")
        .bind(1, std::string_view(letters))
        .bind(2, entry.account_id)
        .step();
  }
}

void SearchIndex::replace(const std::vector<Entry>& entries, const std::string& mark) {
  write([&] {
    for (const Entry& entry : entries) replace(entry);
    if (!mark.empty()) writer_.prepare("UPDATE mark SET mark = ?1").bind_static(1, mark).step();
  });
}

std::optional<std::int64_t> SearchIndex::made_up_to() {
  auto row = writer_.prepare("SELECT up_to FROM made");
  return row.step() ? row.optional_integer(0) : std::nullopt;
}

void SearchIndex::set_made_up_to(std::optional<std::int64_t> account_id) {
  auto row = writer_.prepare("UPDATE made SET up_to = ?1");
  if (account_id) {
    row.bind(1, *account_id);
  } else {
    row.bind_null(1);
  }
  row.step();
}

namespace {

// Of the books, as `database` sees them; empty: they have no index yet.
std::string mark_in(Database& database) {
  auto row = database.prepare("SELECT mark FROM search_queue WHERE account_id = 0");
  return row.step() ? std::string(row.text(0)) : std::string();
}

void set_mark(Database& database, const std::string& mark) {
  database.prepare("INSERT OR REPLACE INTO search_queue(account_id, mark) VALUES (0, ?1)")
      .bind_static(1, mark)
      .step();
}

}  // namespace

SearchJob::SearchJob(const std::string& books, Writer& writer, SearchIndex& index)
    : books_(books, Database::Mode::kRead),
      writer_(writer),
      index_(index),
      thread_([this] { run(); }) {}

void SearchJob::run() {
  constexpr std::chrono::seconds kLookAgain{1};
  Commits& commits = writer_.commits();
  for (;;) {
    const auto seen = commits.count();
    bool done = false;
    try {
      done = work();
    } catch (const std::exception& error) {
      spdlog::error("the search index: {}", error.what());
      if (!commits.sleep(std::chrono::steady_clock::now() + kLookAgain)) return;
    }
    if (done) {
      if (!commits.sleep(std::chrono::steady_clock::now())) return;
      continue;
    }
    // Other programs may write, too.
    if (!commits.wait(seen, std::chrono::steady_clock::now() + kLookAgain)) return;
  }
}

// All accounts, the first time; what changes meanwhile is in the queue.
bool SearchJob::make() {
  const auto up_to = index_.made_up_to();
  if (!up_to) return false;
  constexpr std::int64_t kAtOnce = 2'000;
  std::vector<SearchIndex::Entry> entries;
  {
    const std::string sql = "SELECT a.account_id, " + std::string(kWordsOfAccount) +
                            " FROM account AS a WHERE a.account_id > ?1"
                            " ORDER BY a.account_id LIMIT ?2";
    auto row = books_.compile_once(sql);
    row.bind(1, *up_to).bind(2, kAtOnce);
    while (row.step()) entries.push_back({row.integer(0), std::string(row.text(1))});
  }
  index_.replace(entries);
  index_.set_made_up_to(entries.empty() ? std::nullopt : std::optional(entries.back().account_id));
  return true;
}

// Whether the index is that of the books with this mark.
bool SearchJob::is_of(const std::string& mark) {
  // What the index was given before the books were, and they then were not, is still in the queue.
  return !mark.empty() && (mark == index_.mark() || mark == before_);
}

// Makes the index anew where it is not theirs. Another server may be between the two.
void SearchJob::agree() {
  if (is_of(mark_in(books_))) return;
  bool is_theirs = false;
  writer_.write([&](Database& database) { is_theirs = is_of(mark_in(database)); });
  if (is_theirs) return;
  const std::string mark = random_name();
  index_.begin_anew(mark);
  writer_.write([&](Database& database) { set_mark(database, mark); });
}

bool SearchJob::work() {
  if (!std::exchange(agreed_, true)) agree();
  if (make()) return true;
  {
    auto row = books_.prepare("SELECT 1 FROM search_queue WHERE account_id > 0 LIMIT 1");
    if (!row.step()) return false;
  }
  // Within a write, so that nothing changes between what is read and what is taken off the queue.
  agreed_ = false;
  writer_.write([&](Database& database) {
    const std::string theirs = mark_in(database);
    if (!is_of(theirs)) return;
    constexpr std::int64_t kAtOnce = 200;
    std::vector<SearchIndex::Entry> entries;
    {
      const std::string sql = "SELECT q.account_id, " + std::string(kWordsOfAccount) +
                              " FROM search_queue AS q LEFT JOIN account AS a"
                              " ON a.account_id = q.account_id WHERE q.account_id > 0"
                              " ORDER BY q.account_id LIMIT ?1";
      auto row = database.compile_once(sql);
      row.bind(1, kAtOnce);
      while (row.step()) entries.push_back({row.integer(0), std::string(row.text(1))});
    }
    before_ = theirs;
    const std::string mark = random_name();
    index_.replace(entries, mark);
    set_mark(database, mark);
    for (const auto& entry : entries) {
      database.prepare("DELETE FROM search_queue WHERE account_id = ?1")
          .bind(1, entry.account_id)
          .step();
    }
    agreed_ = true;
  });
  return true;
}

std::string folded(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 'A' && byte <= 'Z') {
      folded += static_cast<char>(byte + ('a' - 'A'));
    } else if (byte >= 0xC2 && byte <= 0xDF && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[++i]);
      const std::uint32_t letter = lower(((byte & 0x1FU) << 6U) | (next & 0x3FU));
      folded += static_cast<char>(0xC0U | (letter >> 6U));
      folded += static_cast<char>(0x80U | (letter & 0x3FU));
    } else {
      folded += static_cast<char>(byte);
    }
  }
  return folded;
}

}  // namespace saldo::server
