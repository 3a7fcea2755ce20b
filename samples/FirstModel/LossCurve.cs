using Diffusion.Imaging;
using Diffusion.Training;
using TorchSharp;

namespace FirstModel;

/// <summary>Keeps the losses that a training run reports, and draws them.</summary>
internal sealed class LossCurve : IProgress<TrainingProgress>
{
    private readonly List<double> _steps = [], _losses = [];

    public void Report(TrainingProgress value)
    {
        _steps.Add(value.Step);
        _losses.Add(value.Loss);
    }

    public torch.Tensor Draw()
    {
        var chart = new LineChart { Title = "Loss", XLabel = "step", Width = 400, Height = 400 };
        chart.Add("", _steps, _losses);
        return chart.Render();
    }
}
