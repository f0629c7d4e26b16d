// bench_printing ACTS: prints so many acts of three lines, one PDF each and then all of them as one
// to be posted. Writes acts a second, bytes, and the greatest resident memory that the process had
// by then.
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "documents/pdf.h"

namespace {

using nlohmann::json;

json act(int number) {
  json content = {{"kind", "act"},
                  {"number", number},
                  {"issued_on", "2026-10-31"},
                  {"title", "Акт № " + std::to_string(number) + " от 31 октября 2026 года"},
                  {"month", "2026-10"},
                  {"language", "ru"},
                  {"currency", "RUB"},
                  {"issuer",
                   {{"legal_name", "ООО «Вендор»"},
                    {"tax_id", "7700000000"},
                    {"kpp", "770001001"},
                    {"address", "101000, Москва, Мясницкая, 1"},
                    {"director", "Орлова М. И."}}},
                  {"customer",
                   {{"legal_name", "ООО «Компания " + std::to_string(number) + "»"},
                    {"tax_id", std::to_string(7'700'000'000 + number)},
                    {"kpp", "770101001"},
                    {"postal_address", "127000, Москва, ул. Лесная, д. " + std::to_string(number)},
                    {"signatory", "Иванов И. И."}}},
                  {"contract", "№ " + std::to_string(number) + " от 01.02.2026"},
                  {"lines", json::array()},
                  {"total", 366000},
                  {"tax", 66000},
                  {"total_in_words", "Три тысячи шестьсот шестьдесят рублей 00 копеек"}};
  for (int line = 1; line <= 3; ++line) {
    content["lines"].push_back(
        {{"line", line},
         {"name", "Услуга " + std::to_string(line) +
                      ", тариф 6–10 сотрудников, 1–31 октября 2026, 31 день"},
         {"unit", "дн."},
         {"quantity", 31},
         {"amount", 122000},
         {"tax_label", "НДС 22 %"},
         {"basis_points", 2200},
         {"tax", 22000}});
  }
  return {{"content", content.dump()}};
}

long peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

template <typename Run>
std::size_t timed(const char* name, int acts, Run run) {
  const auto start = std::chrono::steady_clock::now();
  const std::size_t bytes = run();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::cout << name << ": " << acts << " acts in " << seconds.count() << " s, "
            << acts / seconds.count() << " a second, " << bytes / 1'000'000 << " MB, at most "
            << peak_megabytes() << " MB of memory\n";
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace saldo::server;
  const int acts = count == 2 ? std::atoi(arguments[1]) : 0;
  if (acts < 1) {
    std::cerr << "usage: bench_printing ACTS\n";
    return 2;
  }
  bool whole = true;
  const std::size_t bytes = timed("one PDF each", acts, [&] {
    std::size_t sum = 0;
    for (int number = 1; number <= acts; ++number) {
      const std::string pdf = document_pdf(act(number));
      whole = whole && pdf.starts_with("%PDF-") && pdf.find("%%EOF") != std::string::npos;
      sum += pdf.size();
    }
    return sum;
  });
  const std::size_t posted = timed("one PDF of all", acts, [&] {
    std::size_t sum = 0;
    PostPdf post([&](std::string_view part) { sum += part.size(); });
    for (int number = 1; number <= acts; ++number) post.add(act(number));
    post.finish();
    return sum;
  });
  // Letters are in the one file once.
  if (!whole || posted == 0 || (acts > 10 && posted > bytes / 2)) {
    std::cerr << "bench_printing: these are no whole PDFs\n";
    return 1;
  }
  return 0;
}
