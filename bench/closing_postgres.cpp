// Closing a day, against set-based SQL (set_based/) on plain tables of the same facts in
// PostgreSQL.
//
//   postgres_cluster closing_postgres EXTENSION [ACCOUNTS [RUNS]]
//
// postgres_cluster makes, tunes and removes the cluster. Makes books of ACCOUNTS accounts (100,000;
// see books.h) in Saldo and, by COPY, in PostgreSQL, closes RUNS days (5) in both, and compares all
// that was posted. Prints both times, their ratio, and its spread. PostgreSQL's is that of the
// transaction, sent to a psql that runs all along.
#include <sys/wait.h>

#include <array>
#include <csignal>

#include "closing.h"

using namespace saldo_bench;

namespace {

// A psql that is fed statements. Where to connect to, it learns from the environment.
class Postgres : public Rival {
 public:
  Postgres() {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (pipe(to.data()) != 0 || pipe(from.data()) != 0) fail("cannot make a pipe");
    process_ = fork();
    if (process_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      for (const int end : {to[0], to[1], from[0], from[1]}) close(end);
      execlp("psql", "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    in_ = fdopen(to[1], "w");
    out_ = fdopen(from[0], "r");
    // If psql ends, writing to it must not end this program; that its answers cease is noticed.
    std::signal(SIGPIPE, SIG_IGN);
    each_line("SELECT current_setting('server_version')",
              [&](const std::string& line) { version_ = line; });
  }
  ~Postgres() override {
    std::fclose(in_);
    std::fclose(out_);
    waitpid(process_, nullptr, 0);
  }

  std::string name() override { return "PostgreSQL " + version_.substr(0, version_.find(' ')); }
  std::string dialect() override { return "postgres"; }
  void execute(const std::string& sql) override { ask(sql + "\n;", fail_on_answer); }
  void each_line(const std::string& sql,
                 const std::function<void(const std::string&)>& call) override {
    ask("COPY (" + sql + ") TO STDOUT;", call);
  }
  void copy(Database& saldo, const std::string& table, const std::string& columns,
            const std::string& select) override {
    std::fprintf(in_, "COPY %s(%s) FROM STDIN;\n", table.c_str(), columns.c_str());
    saldo.each_line(select, [&](const std::string& line) {
      if (line.find('\\') != std::string::npos && line.find("\\N") == std::string::npos)
        fail("a text that COPY would take otherwise: " + line);
      std::fprintf(in_, "%s\n", line.c_str());
    });
    // No semicolon follows: psql 15.20 takes what comes after one, here, for data.
    ask("\\.", fail_on_answer);
  }
  // Autovacuum, which would do the same at a time of its own, is off.
  void tidy() override { execute("VACUUM (ANALYZE)"); }
  std::string instant(const std::string& column) override {
    return "to_char(" + column + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
  }

 private:
  static constexpr const char* kEnd = "saldo-bench: end";
  static constexpr unsigned kAnswerSecondsMax = 3600;

  static void fail_on_answer(const std::string& line) {
    fail("unexpected answer of psql: " + line);
  }

  // Sends the text as it stands, and takes the answer of all that was sent before. SIGALRM ends the
  // program when psql does not answer.
  void ask(const std::string& text, const std::function<void(const std::string&)>& call) {
    std::fprintf(in_, "%s\n\\echo '%s'\n", text.c_str(), kEnd);
    std::fflush(in_);
    alarm(kAnswerSecondsMax);
    std::array<char, 4096> piece{};
    while (std::fgets(piece.data(), piece.size(), out_) != nullptr) {
      std::string line(piece.data());
      if (!line.empty() && line.back() == '\n') line.pop_back();
      if (line == kEnd) {
        alarm(0);
        return;
      }
      call(line);
    }
    fail("psql ended");
  }

  pid_t process_ = -1;
  FILE* in_ = nullptr;
  FILE* out_ = nullptr;
  std::string version_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: closing_postgres EXTENSION [ACCOUNTS [RUNS]]");
  const int accounts = argument(argc, argv, 2, 100'000, 1);
  const int runs = argument(argc, argv, 3, 5, 1);

  static const Folder folder;  // static: removed by fail(), too
  Database saldo(folder.file("books.db"));
  saldo.load_extension(argv[1]);
  Postgres rival;
  constexpr double kBar = 6;
  compare_closing(saldo, rival, accounts, runs, kBar);
}
