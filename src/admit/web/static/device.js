// What a device is called, by what its browser calls itself: a guess, for people to recognise it.

/** The first that fits: most of them claim to be those below them, too. @type {[RegExp, string][]} */
const BROWSERS = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\b(?:OPR|OPT|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:HeadlessChrome|Chromium|Chrome|CriOS)\//, "Chrome"],
  [/\bVersion\/[\d.]+.*\bSafari\//, "Safari"],
  [/^curl\//, "curl"],
  [/^Wget\//, "Wget"],
  [/^(?:python|Python)[-/\w]*/, "Python"],
  [/^admit-client\//, "Python"],
  [/\bokhttp\//, "Android app"],
  [/\bCFNetwork\//, "Apple app"],
  [/^node\b/, "Node.js"],
  [/^Go-http-client\//, "Go"],
  [/^PostmanRuntime\//, "Postman"],
];

/** @type {[RegExp, string][]} */
const SYSTEMS = [
  [/\biPhone\b|\biPod\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b|\bDarwin\b/, "macOS"],
  [/\bLinux\b|\bX11\b/, "Linux"],
];

/**
 * The browser and the system; either may be unknown.
 * @param {string | null} userAgent
 * @returns {{ browser: string | null, system: string | null }}
 */
export function device(userAgent) {
  return { browser: first(BROWSERS, userAgent), system: first(SYSTEMS, userAgent) };
}

/**
 * @param {[RegExp, string][]} table
 * @param {string | null} text
 * @returns {string | null}
 */
function first(table, text) {
  return table.find(([sign]) => text !== null && sign.test(text))?.[1] ?? null;
}
