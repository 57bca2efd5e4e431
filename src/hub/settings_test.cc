#include "hub/settings.h"

#include <gtest/gtest.h>

#include <map>

namespace hre::hub {
namespace {

Result<HubSettings> settings(const std::map<std::string, std::string>& variables) {
  return read_settings([&](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

TEST(HubSettings, WhereTheCacheIs) {
  const auto cache = [](std::map<std::string, std::string> variables) {
    variables.insert({"HOME", "/home/me"});
    return settings(variables).value().cache;
  };
  EXPECT_EQ("/home/me/.cache/huggingface/hub", cache({}));
  EXPECT_EQ("/caches/huggingface/hub", cache({{"XDG_CACHE_HOME", "/caches"}}));
  EXPECT_EQ("/hf/hub", cache({{"HF_HOME", "/hf"}, {"XDG_CACHE_HOME", "/caches"}}));
  EXPECT_EQ("/home/me/hf/hub", cache({{"HF_HOME", "~/hf"}}));
  EXPECT_EQ("/hub", cache({{"HF_HOME", "/hf"}, {"HF_HUB_CACHE", "/hub"}}));
  EXPECT_EQ("/old", cache({{"HUGGINGFACE_HUB_CACHE", "/old"}}));
}

TEST(HubSettings, EndpointOfflineTimeout) {
  const HubSettings plain = settings({}).value();
  EXPECT_EQ("https://huggingface.co", plain.endpoint);
  EXPECT_FALSE(plain.offline);
  EXPECT_EQ("http://mirror:8080/x", settings({{"HF_ENDPOINT", "http://mirror:8080/x//"}}).value().endpoint);
  EXPECT_FALSE(settings({{"HF_ENDPOINT", "mirror"}}));
  for (const char* yes : {"1", "on", "YES", "True"}) EXPECT_TRUE(settings({{"HF_HUB_OFFLINE", yes}}).value().offline);
  for (const char* no : {"0", "off", "no", ""}) EXPECT_FALSE(settings({{"HF_HUB_OFFLINE", no}}).value().offline);
  EXPECT_EQ(std::chrono::milliseconds(2500), settings({{"HF_HUB_DOWNLOAD_TIMEOUT", "2.5"}}).value().timeout);
  EXPECT_EQ(plain.timeout, settings({{"HF_HUB_DOWNLOAD_TIMEOUT", "soon"}}).value().timeout);
}

TEST(HubSettings, Token) {
  EXPECT_EQ("hf_abc", settings({{"HF_TOKEN", " hf_abc\r\n"}}).value().token);
  EXPECT_EQ("hf_old", settings({{"HUGGING_FACE_HUB_TOKEN", "hf_old"}}).value().token);
  EXPECT_EQ("", settings({{"HF_TOKEN", "hf_abc"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}}).value().token);
  EXPECT_EQ("", settings({{"HF_HOME", "/nonexistent"}}).value().token);
  EXPECT_FALSE(settings({{"HF_TOKEN", "a\r\nX-Header: b"}}));
}

}  // namespace
}  // namespace hre::hub
