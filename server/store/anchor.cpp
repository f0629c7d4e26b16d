#include "store/anchor.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "rules/time.h"

namespace saldo::server {
namespace {

constexpr std::size_t kDigestCharacters = 64;

}  // namespace

std::map<std::string, std::string> read_anchor(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("cannot read the anchor file " + file);
  std::map<std::string, std::string> digests;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    std::istringstream words(line);
    std::string day;
    std::string digest;
    std::string more;
    words >> day >> digest;
    if (!parse_day(day) || digest.size() != kDigestCharacters || words >> more) {
      throw std::runtime_error(file + ":" + std::to_string(number) +
                               ": expected a day and a digest");
    }
    digests[day] = digest;
  }
  return digests;
}

void append_anchor(const std::string& file, Database& database) {
  std::string last;
  if (std::filesystem::exists(file)) {
    const auto known = read_anchor(file);
    if (!known.empty()) last = known.rbegin()->first;
  }
  std::string lines;
  auto row = database.prepare("SELECT day, digest FROM day_close WHERE day > ?1 ORDER BY day");
  row.bind_static(1, last);
  while (row.step()) {
    lines.append(row.text(0)).append(" ").append(row.text(1)).append("\n");
  }
  if (lines.empty()) return;
  constexpr int kPermissions = 0644;
  const int anchor = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kPermissions);
  const bool written =
      anchor >= 0 &&
      write(anchor, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size()) &&
      fsync(anchor) == 0;
  if (anchor >= 0) close(anchor);
  if (!written) throw std::runtime_error("cannot write to the anchor file " + file);
}

}  // namespace saldo::server
