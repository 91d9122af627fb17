import { launchChromium } from "/work/main/scripts/browser.ts";
const [url, width, scheme, out, height="1500"] = process.argv.slice(2) as string[];
const b = await launchChromium();
const c = await b.newContext({viewport:{width:Number(width),height:Number(height)},colorScheme:scheme as "dark"});
const p = await c.newPage(); p.on("console",m=>console.log(m.text()));
await p.goto(url!); await p.waitForTimeout(1500);
const total = await p.evaluate("document.documentElement.scrollHeight") as number;
for (let i=0;i*Number(height)<total && i<9;i++){ await p.screenshot({path:`${out}-${i}.png`,fullPage:true,clip:{x:0,y:i*Number(height),width:Number(width),height:Math.min(Number(height),total-i*Number(height))}}); }
console.log(total); await b.close();
