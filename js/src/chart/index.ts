'use client'

export { LiveChart, type LiveChartProps } from './LiveChart.js'
