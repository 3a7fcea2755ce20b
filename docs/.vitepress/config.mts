import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'

const chapters: [string, string[]][] = [
  ['Start', ['first-model', 'own-data', 'own-network', 'from-python']],
  ['Choose', ['schedules', 'parameterizations', 'samplers', 'guidance', 'flows', 'likelihood']],
  ['Run', ['memory', 'threads', 'speed', 'checkpoints', 'troubleshooting']],
]

// The first heading of a chapter is its name everywhere.
const title = (page: string) => readFileSync(new URL(`../${page}.md`, import.meta.url), 'utf8').match(/^# (.*)$/m)![1]

const base = process.env.SITE_BASE ?? '/'

export default defineConfig({
  title: 'Diffusion',
  description: 'Diffusion and flow models for .NET: train on your own data, sample, save, load, ship it. No Python.',
  base,
  head: [['link', { rel: 'icon', href: `${base}icon.svg` }]],
  lastUpdated: false,
  markdown: {
    math: true,
    theme: { light: 'github-light', dark: 'github-dark' },
  },
  themeConfig: {
    logo: '/icon.svg',
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/first-model', activeMatch: '/guide/' },
      { text: 'Samplers', link: '/samplers' },
      { text: 'Results', link: '/results' },
      { text: 'API', link: '/api/', activeMatch: '/api/' },
    ],
    sidebar: {
      '/api/': JSON.parse(readFileSync(new URL('../api/sidebar.json', import.meta.url), 'utf8')),
      '/': [
        ...chapters.map(([text, pages]) => ({ text, items: pages.map(page => ({ text: title(`guide/${page}`), link: `/guide/${page}` })) })),
        { text: 'Measured', items: [{ text: 'Samplers', link: '/samplers' }, { text: 'Samples', link: '/results' }] },
      ],
    },
  },
})
