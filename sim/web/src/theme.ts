import { computed, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const KEY = "lab-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(system.matches);
system.addEventListener("change", () => (systemDark.value = system.matches));

const saved = localStorage.getItem(KEY);
export const theme = signal<Theme>(saved === "light" || saved === "dark" ? saved : "auto");
export const isDark = computed(() => theme.value === "dark" || (theme.value === "auto" && systemDark.value));

export function nextTheme(): void {
  theme.value = theme.value === "auto" ? "light" : theme.value === "light" ? "dark" : "auto";
  localStorage.setItem(KEY, theme.value);
}

isDark.subscribe((dark) => {
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
});
