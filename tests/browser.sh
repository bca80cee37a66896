#!/bin/sh
# Chromium and a Chinese font for the browser tests: installed with apt where that is possible, asked for where it is not.
have_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null 2>&1
have_font() { command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=zh family)" ]; }
have_browser && have_font && exit 0
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then as=""; else as="sudo -n"; fi
    said=$(export DEBIAN_FRONTEND=noninteractive; $as apt-get update -qq 2>&1 &&
           $as apt-get install -y -qq --no-install-recommends chromium fontconfig fonts-noto-cjk 2>&1) || echo "$said"
fi
have_browser || echo "The browser tests need Chromium or Chrome and will be skipped. Install it, e.g.: sudo apt-get install chromium"
have_font || echo "Screenshots need a Chinese font, e.g.: sudo apt-get install fonts-noto-cjk"
exit 0
