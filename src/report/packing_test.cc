#include "report/packing.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

namespace hre {
namespace {

TEST(Base64, HasTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [text, expected] : vectors) EXPECT_EQ(base64(text), expected);
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

std::string decoded(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0, n_bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<unsigned>(digits.find(c));
    n_bits += 6;
    if (n_bits >= 8) bytes += static_cast<char>(bits >> (n_bits -= 8) & 255);
  }
  return bytes;
}

TEST(Pack, IsDeflateThatUnpacksToTheData) {
  const unsigned seed = 5;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{300000}}) {
    std::string data(size, '\0');
    for (char& c : data) c = static_cast<char>(random() % 7 * 31);
    const std::string packed = decoded(pack(data));
    std::string unpacked(size + 1, '\0');
    uLongf n = unpacked.size();
    ASSERT_EQ(uncompress(reinterpret_cast<Bytef*>(unpacked.data()), &n, reinterpret_cast<const Bytef*>(packed.data()),
                         packed.size()),
              Z_OK);
    EXPECT_EQ(unpacked.substr(0, n), data);
  }
}

}  // namespace
}  // namespace hre
