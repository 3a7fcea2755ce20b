using Diffusion.Imaging;

namespace Diffusion.SamplerTable;

/// <summary>Error against evaluations for the samplers that one chooses among.</summary>
internal static class Figure
{
    private static readonly string[] _shown = ["DDIM", "Heun", "DPM++ 2M", "UniPC 3", "DPM++ 3 singlestep", "DPM++ 2M SDE"];

    public static void Write(IReadOnlyList<Row> rows, string path)
    {
        var chart = new LineChart { Title = "Distance from the exact mixture", XLabel = "evaluations of the denoiser", YLabel = "Wasserstein-1", LogX = true, LogY = true, Width = 1000, Height = 500 };
        foreach (var name in _shown)
        {
            var row = rows.Single(row => row.Name == name);
            chart.Add(name, Array.ConvertAll(row.Evaluations, count => (double)count), row.Errors);
        }

        chart.Write(path);
    }
}
