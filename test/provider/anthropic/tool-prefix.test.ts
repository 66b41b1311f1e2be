import { describe, expect, it } from 'vitest'
import { addToolPrefix } from '../../../src/provider/anthropic/tool-prefix.ts'

describe('the tool prefix', () => {
  it('is added in tools, in the history and in the choice', () => {
    const body = {
      tools: [{ name: 'bash' }, { type: 'custom', name: 'read' }],
      tool_choice: { type: 'tool', name: 'bash' },
      messages: [
        { role: 'user', content: 'bash' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'bash', name: 'bash' },
            { type: 'tool_use', id: '1', name: 'bash', input: { name: 'bash' } },
            { type: 'tool_use', id: '2', name: 'gone', input: {} },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', name: 'bash' }] },
      ],
    }
    const sent = addToolPrefix(body)
    expect(body).toEqual({
      tools: [{ name: 'mcp_bash' }, { type: 'custom', name: 'mcp_read' }],
      tool_choice: { type: 'tool', name: 'mcp_bash' },
      messages: [
        { role: 'user', content: 'bash' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'bash', name: 'bash' },
            { type: 'tool_use', id: '1', name: 'mcp_bash', input: { name: 'bash' } },
            { type: 'tool_use', id: '2', name: 'mcp_gone', input: {} },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', name: 'bash' }] },
      ],
    })
    expect([...sent].toSorted()).toEqual(['mcp_bash', 'mcp_gone', 'mcp_read'])
  })

  it('is never added twice', () => {
    const body = { tools: [{ name: 'mcp_github' }, { name: 'bash' }] }
    addToolPrefix(body)
    const once = structuredClone(body)
    expect([...addToolPrefix(body)]).toEqual([])
    expect(body).toEqual(once)
    expect(body.tools).toEqual([{ name: 'mcp_github' }, { name: 'mcp_bash' }])
  })

  it('is not added to tools that Anthropic defines, nor to their calls', () => {
    const body = {
      tools: [
        { type: 'web_search_20250305', name: 'web_search' },
        { type: 'bash_20250124', name: 'bash' },
      ],
      tool_choice: { type: 'tool', name: 'bash' },
      messages: [
        { role: 'assistant', content: [{ type: 'tool_use', id: '1', name: 'bash' }] },
        { role: 'assistant', content: [{ type: 'server_tool_use', name: 'web_search' }] },
      ],
    }
    const before = structuredClone(body)
    expect([...addToolPrefix(body)]).toEqual([])
    expect(body).toEqual(before)
  })

  it('is not added where it would make two tools of one name', () => {
    const body = { tools: [{ name: 'bash' }, { name: 'mcp_bash' }] }
    expect([...addToolPrefix(body)]).toEqual([])
    expect(body.tools).toEqual([{ name: 'bash' }, { name: 'mcp_bash' }])
  })

  it.each([{ type: 'auto' }, { type: 'any' }, { type: 'none' }])(
    'leaves the choice %j alone',
    (choice) => {
      const body = { tool_choice: { ...choice } }
      addToolPrefix(body)
      expect(body).toEqual({ tool_choice: choice })
    },
  )
})
