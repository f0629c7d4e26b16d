// Finding accounts by what people remember of them: a part of the name or of the legal name in any
// case, of the tax id, of the external id or of the contract.
//
// The index is a file of the server's own beside the books, made anew where it is not there or is
// that of other books, or of another state of them, such as a backup's. What changes is listed by
// triggers of the books in search_queue, by whichever program; the index takes it from there. It
// has trigrams (SQLite's FTS5) for texts of three letters and more, and the beginnings of words for
// shorter ones.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sqlite/connection.h"
#include "store/writer.h"

namespace saldo::server {

// Letters in one case, so that "РОМАШКА" finds "Ромашка": Latin, Greek, Cyrillic and Armenian. 'ё'
// is 'е', as many write it.
std::string folded(std::string_view text);

class SearchIndex {
 public:
  // Throws std::runtime_error.
  explicit SearchIndex(const std::string& path);

  // The numbers of accounts above `after` that hold the text, ascending, at most `count`. Throws
  // SqliteError, SQLITE_INTERRUPT where it takes longer than a search may.
  std::vector<std::int64_t> find(std::string_view text, std::int64_t after, std::size_t count);

  struct Entry {
    std::int64_t account_id = 0;
    std::string words;  // separated by line feeds; empty: there is no such account
  };
  void replace(const std::vector<Entry>& entries, const std::string& mark = {});
  // What the books have as well as long as this is their index (sql/server.sql); empty: nothing.
  std::string mark();
  // Forgets all accounts.
  void begin_anew(const std::string& mark);
  // Up to which account the index was made; nullopt: it holds them all.
  std::optional<std::int64_t> made_up_to();
  void set_made_up_to(std::optional<std::int64_t> account_id);

 private:
  void write(const std::function<void()>& work);
  void replace(const Entry& entry);

  std::mutex reading_;
  std::chrono::steady_clock::time_point deadline_{};
  Connection writer_;
  Connection reader_;
};

// Keeps the index, on a thread of its own.
class SearchJob {
 public:
  SearchJob(const std::string& books, Writer& writer, SearchIndex& index);
  SearchJob(const SearchJob&) = delete;
  SearchJob& operator=(const SearchJob&) = delete;
  SearchJob(SearchJob&&) = delete;
  SearchJob& operator=(SearchJob&&) = delete;
  // After Commits::stop().
  ~SearchJob() { thread_.join(); }

 private:
  void run();
  // Does a part of what there is to do. False: there was nothing.
  bool work();
  bool make();
  bool is_of(const std::string& mark);
  void agree();

  Database books_;
  Writer& writer_;
  SearchIndex& index_;
  bool agreed_ = false;
  std::string before_;  // the mark that the books had when the index was given its last one
  std::thread thread_;
};

}  // namespace saldo::server
