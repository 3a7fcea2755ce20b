// Opens the built site in a headless browser and looks whether it works: search, formulas, highlighted code, light and dark, on a desk and on
// a phone; nothing may be asked of another host, and no anchor may lead nowhere. CHROME names the browser; screenshots go to the folder given.
import { createServer } from 'node:http'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import puppeteer from 'puppeteer-core'

const site = fileURLToPath(new URL('dist', import.meta.url))
const pictures = process.argv[2]
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.png': 'image/png', '.svg': 'image/svg+xml', '.json': 'application/json', '.woff2': 'font/woff2' }
let failures = 0
const expect = (held, what) => {
  console.log(`${held ? 'held' : 'FAILED'}: ${what}`)
  if (!held) failures++
}

const files = readdirSync(site, { recursive: true }).map(String).filter(name => name.endsWith('.html'))
const ids = new Map(files.map(name => [name, new Set([...readFileSync(join(site, name), 'utf8').matchAll(/\sid="([^"]+)"/g)].map(match => match[1]))]))
const broken = []
for (const name of files) {
  for (const [, path, anchor] of readFileSync(join(site, name), 'utf8').matchAll(/href="(\/[^"#]*)?#([^"]+)"/g)) {
    const target = path ? decodeURI(path).slice(1).replace(/\/$/, '/index.html').replace(/(?<!\.html)$/, '.html') : name
    if (anchor !== 'VPContent' && !ids.get(target)?.has(decodeURIComponent(anchor))) broken.push(`${name}: ${path ?? ''}#${anchor}`)
  }
}
expect(broken.length === 0, `every anchor of ${files.length} pages is there${broken.length ? `, but ${broken.slice(0, 5).join(', ')}` : ''}`)

const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
  for (const file of [path, `${path}.html`, join(path, 'index.html')].map(name => join(site, name))) {
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) continue
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
    return response.end(readFileSync(file))
  }
  response.writeHead(404).end()
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const root = `http://127.0.0.1:${server.address().port}`
const profile = mkdtempSync(join(tmpdir(), 'site-check-'))
const browser = await puppeteer.launch({
  executablePath: process.env.CHROME ?? '/usr/bin/chromium', userDataDir: profile,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
try {
  const page = await browser.newPage()
  const elsewhere = [], errors = []
  page.on('request', request => { if (!request.url().startsWith(root) && !request.url().startsWith('data:')) elsewhere.push(request.url()) })
  page.on('console', message => { if (message.type() === 'error') errors.push(message.text()) })
  page.on('pageerror', error => errors.push(error.message))
  const open = path => page.goto(root + path, { waitUntil: 'networkidle0' })
  const shoot = async name => { if (pictures) { mkdirSync(pictures, { recursive: true }); await page.screenshot({ path: join(pictures, `${name}.png`) }) } }

  for (const [device, width, height] of [['desk', 1366, 900], ['phone', 390, 844]]) {
    await page.setViewport({ width, height })
    for (const scheme of ['light', 'dark']) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
      for (const [name, path] of [['home', '/'], ['schedules', '/guide/schedules'], ['samplers', '/samplers'], ['results', '/results'], ['type', '/api/Diffusion.Samplers/DpmSolverMultistepSampler'], ['namespace', '/api/Diffusion/']]) {
        await open(path)
        expect(await page.evaluate(() => document.documentElement.classList.contains('dark')) === (scheme === 'dark'), `${name} on a ${device} is ${scheme}`)
        const [needed, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
        expect(needed <= shown, `${name} on a ${device}, ${scheme}: no wider than the screen (${needed} of ${shown})`)
        await shoot(`${name}-${device}-${scheme}`)
      }
    }
  }

  await page.setViewport({ width: 1366, height: 900 })
  await open('/guide/schedules')
  expect(await page.$$eval('mjx-container svg', all => all.length) > 3, 'formulas are drawn')
  expect(await page.$$eval('.language-csharp .shiki span[style*="--shiki"]', all => new Set(all.map(each => each.getAttribute('style'))).size) > 3, 'C# is highlighted')
  expect(await page.$$eval('img', all => all.every(each => each.complete && each.naturalWidth > 0)), 'pictures are there')
  for (const [word, target] of [['schedules', '/guide/schedules'], ['DdimSampler', '/api/Diffusion.Samplers/DdimSampler'], ['rectified', null]]) {
    await open('/guide/memory')
    await page.click('.VPNavBarSearch button')
    await page.waitForSelector('.VPLocalSearchBox input')
    await page.type('.VPLocalSearchBox input', word)
    await page.waitForSelector('.VPLocalSearchBox .result', { timeout: 15000 })
    const hits = await page.$$eval('.VPLocalSearchBox .result', all => all.map(each => new URL(each.href).pathname.replace('.html', '')))
    expect(hits.length > 0 && (target === null || hits.slice(0, 5).includes(target)), `a search for ${word} finds ${target ?? hits[0]}`)
    await shoot(`search-${word}`)
    await Promise.all([page.waitForFunction(() => !location.pathname.includes('memory')), page.click('.VPLocalSearchBox .result')])
    expect(page.url().includes(hits[0]), `and its first hit opens ${hits[0]}`)
  }
  expect(elsewhere.length === 0, `nothing is asked of another host${elsewhere.length ? `, but ${elsewhere[0]}` : ''}`)
  expect(errors.length === 0, `no error is reported${errors.length ? `, but ${errors[0]}` : ''}`)
} finally {
  await browser.close()
  server.close()
  rmSync(profile, { recursive: true, force: true })
}
console.log(failures === 0 ? 'The site works.' : `${failures} failed.`)
process.exit(failures === 0 ? 0 : 1)
