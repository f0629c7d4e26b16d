// R4 enumerated, and money as text.
#include "rules/money.h"

#include <gtest/gtest.h>

#include <limits>

#include "rules/error.h"

namespace saldo {
namespace {

constexpr Day kEpoch{days{0}};
__extension__ typedef __int128 Wide;

// "Any 30 days sum to the monthly price exactly": every price up to 100,000 kopecks, every place to
// begin.
TEST(DailyFee, AnyThirtyDaysSumToTheMonthlyPrice) {
  for (Amount price = 0; price <= 100'000; ++price) {
    Amount sum = 0;
    for (int i = 0; i < 30; ++i) sum += daily_fee(MonthlyPrice{price}, kEpoch + days{i});
    ASSERT_EQ(sum, price);
    // Moving on by one day drops a fee and takes in the one 30 days later.
    for (int i = 0; i < 30; ++i) {
      ASSERT_EQ(daily_fee(MonthlyPrice{price}, kEpoch + days{i}),
                daily_fee(MonthlyPrice{price}, kEpoch + days{i + 30}))
          << price << ' ' << i;
    }
  }
}

TEST(DailyFee, IsAThirtiethToWithinAKopeck) {
  for (Amount price = 0; price <= 100'000; ++price) {
    for (int i = 0; i < 30; ++i) {
      const Amount fee = daily_fee(MonthlyPrice{price}, kEpoch + days{i});
      ASSERT_GE(fee, price / 30);
      ASSERT_LE(fee, (price + 29) / 30);
    }
  }
}

// As the design writes it, in wider integers.
TEST(DailyFee, IsTheDifferenceOfTwoFloors) {
  const Amount prices[] = {
      0, 1, 29, 30, 31, 1'001'000'000'000'000, std::numeric_limits<Amount>::max()};
  for (const Amount price : prices) {
    for (int since_epoch = -1000; since_epoch <= 30'000; since_epoch += 7) {
      const Wide n = ((since_epoch % 30) + 30) % 30;
      const auto expected = static_cast<Amount>(static_cast<Wide>(price) * (n + 1) / 30 -
                                                static_cast<Wide>(price) * n / 30);
      ASSERT_EQ(daily_fee(MonthlyPrice{price}, kEpoch + days{since_epoch}), expected)
          << price << ' ' << since_epoch;
    }
  }
}

TEST(Money, OverflowIsAnError) {
  constexpr Amount kMax = std::numeric_limits<Amount>::max();
  EXPECT_EQ(add(kMax - 1, 1), kMax);
  EXPECT_THROW(add(kMax, 1), Error);
  EXPECT_THROW(subtract(-kMax, 2), Error);
}

TEST(Money, AsText) {
  EXPECT_EQ(format_money(199'000, "RUB", "ru"), "1 990,00 ₽");
  EXPECT_EQ(format_money(-199'000, "RUB", "ru"), "-1 990,00 ₽");
  EXPECT_EQ(format_money(199'000, "RUB", "en"), "₽1,990.00");
  EXPECT_EQ(format_money(-5, "RUB", "en"), "-₽0.05");
  EXPECT_EQ(format_money(123'456'789, "EUR", "ru"), "1 234 567,89 €");
  EXPECT_EQ(format_money(0, "JPY", "en"), "¥0");
  EXPECT_EQ(format_money(1'234, "KWD", "en"), "KWD 1.234");
  EXPECT_EQ(format_money(std::numeric_limits<Amount>::min(), "RUB", "en"),
            "-₽92,233,720,368,547,758.08");
}

TEST(Money, MinorUnits) {
  EXPECT_EQ(parse_minor_units("10.45"), 1045);
  EXPECT_EQ(parse_minor_units("10,45"), 1045);
  EXPECT_EQ(parse_minor_units("10"), 1000);
  EXPECT_EQ(parse_minor_units("10.5"), 1050);
  EXPECT_EQ(parse_minor_units("0"), 0);
  EXPECT_EQ(parse_minor_units("0000000000010"), 1000);
  EXPECT_EQ(parse_minor_units("9999999999999.99"), 999'999'999'999'999);
  for (const std::string_view text : {"",
                                      " 1",
                                      "1 ",
                                      "10.450",
                                      "1e3",
                                      "-1",
                                      "+1",
                                      "1.",
                                      "1,",
                                      ".5",
                                      ",5",
                                      ".",
                                      "10000000000000",
                                      "00000000000010",
                                      "1.2.3",
                                      "1,2,3",
                                      "1.,2",
                                      "0x1",
                                      "١",
                                      "1 000",
                                      "NaN",
                                      "10.4-",
                                      "10.-4"})
    EXPECT_EQ(parse_minor_units(text), std::nullopt) << text;
  EXPECT_EQ(parse_minor_units(std::string_view("10\0", 3)), std::nullopt);
  EXPECT_EQ(parse_minor_units(std::string_view("10.\0", 4)), std::nullopt);
}

}  // namespace
}  // namespace saldo
