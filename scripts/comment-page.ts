import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";

const { resolve } = createRequire(import.meta.url);

/**
 * A comment as near to GitHub's rendering as can be had without GitHub: GFM, its published style sheet, and Mermaid.
 * What GitHub does to the result afterwards (sanitizing, mentions, alerts) is not modelled.
 */
export async function commentPage(markdown: string, title: string): Promise<string> {
  const body = micromark(markdown, {
    // Our comments hold folds, and nothing else that is HTML.
    allowDangerousHtml: true,
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
  }).replace(
    /<pre><code class="language-mermaid">([\s\S]*?)<\/code><\/pre>/g,
    (_, source: string) => `<div class="mermaid">${source}</div>`,
  );
  const css = await readFile(resolve("github-markdown-css/github-markdown.css"), "utf8");
  const mermaid = body.includes('class="mermaid"')
    ? `<script>${(await readFile(resolve("mermaid/dist/mermaid.min.js"), "utf8")).replaceAll("</script", "<\\/script")}</script>
<script>mermaid.initialize({ startOnLoad: true, securityLevel: "strict", theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "default" })</script>`
    : "";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,"><style>${css}
body{margin:0;padding:16px;background:#fff}main.markdown-body{max-width:880px;margin:0 auto}@media (prefers-color-scheme:dark){body{background:#0d1117}}</style></head>
<body><main class="markdown-body">${body}</main>${mermaid}</body></html>
`;
}
